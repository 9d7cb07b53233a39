# Allocations after the interpreter is gone: no crash, and not in the ledger.
# truth: function= file= line=0 domain=malloc total=<1000000,1000 leaked=<1000000,1000
import known

known.at_exit()
