package queue

// numbered gives its values small numbers, which entries store instead of pointers. The number of a removed value is used
// again. The number 0 is the zero value, which is never removed.
type numbered[T any] struct {
	list []T // by number
	free []uint32
}

func newNumbered[T any]() numbered[T] { return numbered[T]{list: make([]T, 1)} }

func (n *numbered[T]) add(value T) uint32 {
	if last := len(n.free) - 1; last >= 0 {
		number := n.free[last]
		n.free = n.free[:last]
		n.list[number] = value
		return number
	}
	n.list = append(n.list, value)
	return uint32(len(n.list) - 1)
}

func (n *numbered[T]) remove(number uint32) {
	var zero T
	n.list[number] = zero
	n.free = append(n.free, number)
}

// interner numbers the texts that entries use, so that each text is in memory once. A text is removed with its last use,
// except for the empty one, which has the number 0.
type interner[T any] struct {
	numbered[interned[T]]
	numbers map[string]uint32
}

// interned is one text, with a value that its user may set.
type interned[T any] struct {
	text  string
	uses  int
	value T
}

func newInterner[T any]() interner[T] {
	n := interner[T]{newNumbered[interned[T]](), map[string]uint32{"": 0}}
	n.list[0].uses = 1
	return n
}

// use returns the number of text and adds a use. If text is new, its uses are 1 then and its value is zero.
func (n *interner[T]) use(text string) uint32 {
	number, ok := n.numbers[text]
	if !ok {
		number = n.add(interned[T]{text: text})
		n.numbers[text] = number
	}
	n.list[number].uses++
	return number
}

// useBytes is use for text that is converted to a string only if it is new.
func (n *interner[T]) useBytes(text []byte) uint32 {
	if number, ok := n.numbers[string(text)]; ok {
		n.list[number].uses++
		return number
	}
	return n.use(string(text))
}

// drop removes a use, and with the last one the text.
func (n *interner[T]) drop(number uint32) {
	if n.list[number].uses--; n.list[number].uses > 0 || number == 0 {
		return
	}
	delete(n.numbers, n.list[number].text)
	n.remove(number)
}
