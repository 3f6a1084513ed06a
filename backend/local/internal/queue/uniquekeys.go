package queue

// uniqueKeys is the unique keys of all jobs. Jobs with the same key have numbers of their own, because each holds it for
// a time of its own.
type uniqueKeys struct {
	numbered[uniqueKey]
	holders map[string]slot
}

type uniqueKey struct {
	text  string
	until int64 // the job holds it until then whatever its state; 0: until it has finished
}

func newUniqueKeys() uniqueKeys { return uniqueKeys{newNumbered[uniqueKey](), map[string]slot{}} }

func (k *uniqueKeys) use(text string, until int64) uint32 {
	if text == "" {
		return 0
	}
	return k.add(uniqueKey{text, until})
}

func (k *uniqueKeys) drop(number uint32) {
	if number != 0 {
		k.remove(number)
	}
}
