package queue

// uniqueKeys has the unique keys of all jobs. If several jobs have the same key, each job has a number and a value of
// uniqueKey of its own, because the times until which the jobs hold the key differ.
type uniqueKeys struct {
	numbered[uniqueKey]
	holders map[string]slot
}

type uniqueKey struct {
	text  string
	until int64 // the time until which the job holds the key, whatever the state of the job; 0: until the job has finished
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
