package local

import "unsafe"

// item is an entry or a lock of the store. Readers hold items without a lock, so the bytes and fields that readers use
// never change: writing a key again creates a new item.
//
// The bytes of the key and then of the value follow the item in memory, so only newItem may create an item. With many
// entries, the cost of a read is the cost of its cache misses. This layout keeps the item, the key to compare and the
// value adjacent. The garbage collector does not scan an item, because items have no pointers. Without unsafe,
// BenchmarkStore/set has 2 allocations instead of 1, and BenchmarkMemory takes 106 bytes per entry instead of 90.
type item struct {
	hash      uint64
	created   int64 // clock time
	expires   int64 // clock time, or never
	valueLen  int
	keyLen    int32
	heapIndex int32 // the index of the item in the shard's expiryHeap, or -1; guarded by the shard's mu
}

const itemSize = int(unsafe.Sizeof(item{}))

// newItem returns an item with copies of key and value. The arguments created and expires are clock times.
func newItem(hash uint64, key string, value []byte, created, expires int64) *item {
	// A slice of words, not bytes, has memory that is aligned for an item.
	words := make([]uint64, (itemSize+len(key)+len(value)+7)/8)
	it := (*item)(unsafe.Pointer(unsafe.SliceData(words)))
	*it = item{hash: hash, created: created, expires: expires, valueLen: len(value), keyLen: int32(len(key)), heapIndex: -1}
	data := it.data()
	copy(data[copy(data, key):], value)
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
