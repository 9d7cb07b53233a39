"""The registry of module_registry.py."""

PLUGINS = {}  # @holder


def register(name, plugin):
    PLUGINS[name] = plugin
