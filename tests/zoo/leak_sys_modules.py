# Templates are compiled into modules of their own, which are put in sys.modules.
# sys.modules is older than the program; what is named is the line that puts modules there.
# HOLDER: @holder
# BIRTH: @birth
import sys
import types

import ordinary


def compile_template(request):
    name = f"template_{request.number}"
    module = sys.modules[name] = types.ModuleType(name)  # @holder
    module.text = request.body * 20  # @birth
    return module


for request in ordinary.requests(800):
    compile_template(request)
