package local

import (
	"unsafe"

	"github.com/actionhero-go/actionhero/internal/jsonx"
)

// item is an entry or a lock of the store. Readers hold items without a lock, so the bytes and fields that readers use
// never change: writing a key again creates a new item.
//
// The bytes of the key and then of the value follow the item in memory, so only the functions of this file may create an item. With many
// entries, the cost of a read is the cost of its cache misses. This layout keeps the item, the key to compare and the
// value adjacent. The garbage collector does not scan an item, because items have no pointers. Without unsafe,
// BenchmarkStore/set has 2 allocations instead of 1, and BenchmarkMemory takes 106 bytes per entry instead of 90.
type item struct {
	hash      uint64
	created   int64 // clock time
	expires   int64 // clock time, or never
	valueLen  int
	keyLen    int16
	text      bool  // the value is a JSON string whose text is the bytes between the quotes: no escapes, valid UTF-8
	heapIndex int32 // the index of the item in the shard's expiryHeap, or -1; guarded by the shard's mu
}

const itemSize = int(unsafe.Sizeof(item{}))

// newItem returns an item with copies of key and value. The arguments created and expires are clock times.
func newItem(hash uint64, key string, value []byte, created, expires int64) *item {
	it := emptyItem(hash, key, len(value), created, expires)
	copy(it.value(), value)
	if n := len(value); n > 1 && value[0] == '"' && value[n-1] == '"' {
		_, it.text = jsonx.Plain(value)
	}
	return it
}

// newTextItem returns an item whose value is the JSON of a text that needs no escapes. It writes that JSON where the item
// keeps it: the text is copied once, and not searched for escapes again.
func newTextItem(hash uint64, key, text string, created, expires int64) *item {
	it := emptyItem(hash, key, len(text)+quotes, created, expires)
	value := it.value()
	value[0], value[len(value)-1] = '"', '"'
	copy(value[1:], text)
	it.text = true
	return it
}

// quotes is the number of bytes around a text in JSON.
const quotes = 2

// emptyItem returns an item with a copy of key, and with room for a value of valueLen bytes.
func emptyItem(hash uint64, key string, valueLen int, created, expires int64) *item {
	// A slice of words, not bytes, has memory that is aligned for an item.
	words := make([]uint64, (itemSize+len(key)+valueLen+7)/8)
	it := (*item)(unsafe.Pointer(unsafe.SliceData(words)))
	*it = item{hash: hash, created: created, expires: expires, valueLen: valueLen, keyLen: int16(len(key)), heapIndex: -1}
	copy(it.data(), key)
	return it
}

// data returns the bytes that follow the item in memory: the key and then the value. The slice has no spare capacity,
// so that two readers cannot append to the same memory.
func (it *item) data() []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(it)), itemSize+int(it.keyLen)+it.valueLen)[itemSize:]
}

func (it *item) key() []byte   { return it.data()[:it.keyLen] }
func (it *item) value() []byte { return it.data()[it.keyLen:] }

func (it *item) is(hash uint64, key string) bool {
	return it.hash == hash && string(it.key()) == key && it != tombstone
}

// itemOverhead is the memory of an item in addition to its key and value, in bytes. It covers the item struct, its
// slots in the table and its heapEntry.
const itemOverhead = 128

// cost returns the number of bytes that the item counts towards the limit Config.MaxBytes.
func (it *item) cost() int64 { return int64(it.keyLen) + int64(it.valueLen) + itemOverhead }
