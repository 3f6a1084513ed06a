package queue

// numbered gives its values small numbers, which entries store instead of pointers. If a value is removed, its number
// is used again for another value. The number 0 is the zero value of T, which is never removed.
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

// interner gives numbers to the texts that entries use, so that each text is in memory once. It counts the uses of each
// text, and removes a text with its last use. The empty text has the number 0 and is never removed.
type interner[T any] struct {
	numbered[interned[T]]
	numbers map[string]uint32
}

// interned is one text of an interner, with the number of its uses and a value that the user of the interner may set.
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

// use increments the use count of text and returns the number that stands for text. If text is new, use stores text with
// a count of one and the zero value of T.
func (n *interner[T]) use(text string) uint32 {
	number, ok := n.numbers[text]
	if !ok {
		number = n.add(interned[T]{text: text})
		n.numbers[text] = number
	}
	n.list[number].uses++
	return number
}

// useBytes does the same as use. It converts text to a string only if text is new.
func (n *interner[T]) useBytes(text []byte) uint32 {
	if number, ok := n.numbers[string(text)]; ok {
		n.list[number].uses++
		return number
	}
	return n.use(string(text))
}

// drop removes one use of the text with this number. If that was the last use, drop removes the text.
func (n *interner[T]) drop(number uint32) {
	if n.list[number].uses--; n.list[number].uses > 0 || number == 0 {
		return
	}
	delete(n.numbers, n.list[number].text)
	n.remove(number)
}
