#include "dig/size.h"

#include "dig/state.h"

void barrow_size_rule_of(struct barrow_size_rule *rule, PyTypeObject *type)
{
    *rule = (struct barrow_size_rule){
        .type = type,
        .kind = type == &PyTuple_Type  ? SIZE_TUPLE
                : type == &PyList_Type ? SIZE_LIST
                : type == &PyDict_Type ? SIZE_DICT
                                       : SIZE_OTHER,
        .preheader_bytes = (uint32_t)barrow_preheader_bytes(type),
        .basic_bytes = (uint32_t)type->tp_basicsize,
        .item_bytes = (uint32_t)type->tp_itemsize,
        .may_have_values = type->tp_flags & Py_TPFLAGS_MANAGED_DICT,
        .hidden = barrow_hidden_blocks(type),
    };
}

/* A class whose objects' own block may be of another size than the class says. */
static uint64_t other_bytes(const struct barrow_blocks *blocks, const struct barrow_size_rule *rule,
                            PyObject *o)
{
    size_t asked = rule->preheader_bytes + rule->basic_bytes;
    if (rule->item_bytes)
        asked += barrow_item_count(o) * rule->item_bytes;
    uint64_t bytes = barrow_blocks_bytes(blocks, (char *)o - rule->preheader_bytes, asked);
    if (rule->may_have_values) {
        struct barrow_instance look = barrow_instance_look(o, rule->type);
        if (look.values && look.values_apart)
            bytes += barrow_blocks_bytes(blocks, barrow_values_block(look.values), 1);
    }
    return rule->hidden ? bytes + rule->hidden(blocks, o) : bytes;
}

uint64_t barrow_size_by_rule(const struct barrow_blocks *blocks,
                             const struct barrow_size_rule *rule, PyObject *o)
{
    /* What is a part of the interpreter or of a library costs nothing, and lives for ever. */
    if (__builtin_expect(barrow_is_immortal(o), 0) && barrow_blocks_is_static(blocks, o))
        return 0;
    uint64_t own = barrow_blocks_rule(blocks, rule->preheader_bytes + rule->basic_bytes);
    switch (rule->kind) {
    case SIZE_TUPLE:
        return barrow_blocks_rule(blocks, rule->preheader_bytes + rule->basic_bytes +
                                              (size_t)Py_SIZE(o) * sizeof(PyObject *));
    case SIZE_LIST:
    case SIZE_DICT:
        return own + rule->hidden(blocks, o);
    case SIZE_OTHER:
        break;
    }
    return other_bytes(blocks, rule, o);
}
