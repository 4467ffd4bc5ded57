"""`check` of object-based checkpoints: what restore and its assertions say, pair by pair."""
import support
from checking import SEEN, checkpoint, judge, judge_exception, module, variable

import tensorflow as tf


def layer(units=3, inputs=2):
    return module(kernel=variable(inputs, units), bias=variable(units))


def network(**layers):
    return checkpoint(model=module(**(layers or {'first': layer(), 'second': layer(4, 3)})))


def test_alike():
    """Two equal programs."""
    judge(network, network)


def test_alike_written():
    """Two equal programs that use write and read, so that no counter is there."""
    judge(network, network, file='write', program='write')


def test_renamed_attribute():
    """One attribute has another name."""
    judge(network, lambda: network(first=layer(), other=layer(4, 3)))


def test_all_renamed():
    """Every layer has another name; the counter alone meets."""
    judge(network, lambda: network(one=layer(), two=layer(4, 3)))


def test_all_renamed_written():
    """The objects above the layers meet, no value does."""
    judge(network, lambda: network(one=layer(), two=layer(4, 3)), file='write', program='write')


def test_nothing_in_common():
    """No edge of the roots has the same name."""
    judge(network, lambda: checkpoint(net=module(first=layer())), file='write', program='write')


def test_nothing_in_common_but_the_counter():
    """Only save_counter meets, which TensorFlow calls a match."""
    judge(network, lambda: checkpoint(net=module(first=layer())))


def test_missing_layer():
    """The program has a layer that the file lacks."""
    judge(network, lambda: network(first=layer(), second=layer(4, 3), third=layer(2, 4)))


def test_extra_layer():
    """The file has a layer that the program lacks."""
    judge(network, lambda: network(first=layer()))


def test_missing_and_extra():
    """Each side has something of its own."""
    judge(lambda: network(first=layer(), old=layer()), lambda: network(first=layer(), new=layer()))


def test_missing_bias():
    """One variable of a layer is new."""
    judge(lambda: network(first=module(kernel=variable(2, 3))), lambda: network(first=layer()))


def test_other_shape():
    """A kernel has one row more."""
    judge(network, lambda: network(first=layer(3, 3), second=layer(4, 3)))


def test_scalar_and_vector():
    """A scalar is not a vector of one."""
    judge(lambda: checkpoint(x=variable()), lambda: checkpoint(x=variable(1)))


def test_transposed():
    """As many elements in another shape."""
    judge(lambda: checkpoint(x=variable(2, 3)), lambda: checkpoint(x=variable(3, 2)))


def test_other_dtype():
    """A variable became float16."""
    judge(lambda: checkpoint(x=variable(2)), lambda: checkpoint(x=variable(2, dtype=tf.float16)))


def test_other_integer():
    """A step is int32 in the program."""
    judge(lambda: checkpoint(step=variable(dtype=tf.int64)), lambda: checkpoint(step=variable(dtype=tf.int32)))


def test_all_dtypes():
    """Variables of many dtypes."""
    dtypes = (tf.float16, tf.bfloat16, tf.float64, tf.int8, tf.uint16, tf.int64, tf.complex64, tf.bool)
    judge(*[lambda: checkpoint(list=[variable(2, dtype=dtype) for dtype in dtypes])] * 2)


def lists(count):
    return lambda: checkpoint(model=module(layers=[layer() for _ in range(count)]))


def test_list_longer_in_file():
    """The program's list is shorter."""
    judge(lists(3), lists(2))


def test_list_shorter_in_file():
    """The program's list is longer."""
    judge(lists(2), lists(3))


def test_list_became_empty():
    """The program's list is empty."""
    judge(lists(2), lists(0))


def test_list_shifted():
    """A layer of another shape was put first."""
    judge(lambda: checkpoint(layers=[layer(), layer(5)]), lambda: checkpoint(layers=[layer(7), layer(), layer(5)]))


def test_list_of_eleven():
    """Edges 10 and 1 are different edges."""
    judge(lists(11), lists(12))


def test_dict_key():
    """A dictionary's key changed."""
    judge(lambda: checkpoint(heads={'a': layer(), 'b': layer()}), lambda: checkpoint(heads={'a': layer(), 'c': layer()}))


def test_dict_key_with_slash():
    """Keys that need escapes meet."""
    judge(*[lambda: checkpoint(heads={'a/b.c': layer(), 'x.S': variable(2)})] * 2)


def test_list_became_dict():
    """Edges 0 and 1 of a dictionary serve a list."""
    judge(lambda: checkpoint(x={'0': variable(2), '1': variable(3)}), lambda: checkpoint(x=[variable(2), variable(3)]))


def tied():
    one = variable(4, 2)
    return checkpoint(model=module(embedding=one, output=one))


def apart(rows=4):
    return lambda: checkpoint(model=module(embedding=variable(4, 2), output=variable(rows, 2)))


def test_shared():
    """One variable with two names on both sides."""
    judge(tied, tied)


def test_shared_in_file_only():
    """The program has two variables where the file has one."""
    judge(tied, apart())


def test_shared_in_program_only():
    """The file has two variables where the program has one."""
    judge(apart(), tied)


def test_shared_in_program_other_shape():
    """The second of two is of another shape, but the program's one variable is taken from the first."""
    judge(apart(5), tied)


def test_shared_layer_new_name():
    """A shared layer is reached by one old and one new name."""
    def build(*names):
        one = layer()
        return checkpoint(model=module(**{name: one for name in names}))
    judge(lambda: build('a', 'b'), lambda: build('b', 'c'))


def test_cycle():
    """Objects that lead back to each other."""
    def build():
        child, parent = layer(), module()
        parent.child, child.parent = child, parent
        return checkpoint(model=parent)
    judge(build, build)


def test_counter_missing_in_file():
    """The file was made by write, the program saves and restores."""
    judge(network, network, file='write')


def test_counter_missing_in_program():
    """The file was made by save; restore makes the program's counter."""
    judge(network, network, program='write')


def test_counter_and_nothing_else():
    """The counter that restore makes is a match to assert_nontrivial_match."""
    judge(network, lambda: checkpoint(net=layer()), program='write')


def test_model_as_root():
    """The model was the root and is an attribute now."""
    judge(lambda: checkpoint(module(first=layer())), lambda: checkpoint(model=module(first=layer())))


def test_model_as_root_on_both_sides():
    """The model is the root on both sides."""
    judge(*[lambda: checkpoint(module(first=layer()))] * 2)


def test_subset():
    """The program wants one of two models."""
    judge(lambda: checkpoint(generator=layer(), discriminator=layer()), lambda: checkpoint(generator=layer()))


def test_superset():
    """The program has one model more."""
    judge(lambda: checkpoint(generator=layer()), lambda: checkpoint(generator=layer(), discriminator=layer()))


def test_deeper():
    """A scope was put between."""
    judge(lambda: checkpoint(model=layer()), lambda: checkpoint(model=module(inner=layer())))


def test_variable_became_object():
    """Where the file has a variable the program has an object with variables."""
    judge(lambda: checkpoint(x=variable(2), y=variable(1)), lambda: checkpoint(x=layer(), y=variable(1)))


def test_object_became_variable():
    """Where the file has an object the program has a variable: TensorFlow leaves it as it was and says nothing."""
    judge_exception(lambda: checkpoint(x=layer(), y=variable(1)), lambda: checkpoint(x=variable(2), y=variable(1)),
                    'existing')


def test_empty_objects():
    """Objects without variables need not meet."""
    judge(network, lambda: network(first=layer(), second=layer(4, 3), hook=module(), hooks=[]))


def test_generator():
    """A random generator's state, of another algorithm."""
    def build(algorithm):
        return lambda: checkpoint(random=tf.random.Generator.from_seed(1, alg=algorithm), x=variable(2))
    judge(build('philox'), build('philox'))
    judge(build('philox'), build('threefry'))


def table(**extra):
    return checkpoint(table=tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1), x=variable(2), **extra)


def test_table():
    """A lookup table's keys and values."""
    judge(table, table)


def test_table_missing():
    """The program's table is new."""
    judge(lambda: checkpoint(x=variable(2)), table)


def test_table_unexpected():
    """The file's table is not wanted."""
    judge(table, lambda: checkpoint(x=variable(2)))


def test_iterator():
    """An iterator's state, on both sides, or on one."""
    def build():
        return checkpoint(iterator=iter(tf.data.Dataset.range(9)), x=variable(2))
    judge(build, build)
    judge(build, lambda: checkpoint(x=variable(2)))
    judge(lambda: checkpoint(x=variable(2)), build)


def test_zz_all_kinds_of_verdicts():
    """The pairs show each set of verdicts that there is."""
    assert {(True, True, True), (True, True, False), (True, False, False), (False, False, False)} <= set(SEEN), set(SEEN)


if __name__ == '__main__':
    support.main(globals())
