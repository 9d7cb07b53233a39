"""What `barrow.compat.memory_profiler` consists of."""
