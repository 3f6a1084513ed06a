package local

import "unsafe"

// item is an entry of the store. Readers hold items without a lock, so nothing they read ever changes: writing a key
// again makes a new item.
//
// The bytes of the key and then of the value follow the item in memory, which is why only newItem makes one. With many
// entries, a read costs what waiting for memory costs, and this way the item, the key to compare and the value lie side
// by side. It also spares an allocation, and as there are no pointers in it, the garbage collector need not look inside.
type item struct {
	hash      uint64
	created   int64 // moment
	expires   int64 // moment, or never
	valueLen  int
	keyLen    int32
	heapIndex int32 // its place among the shard's expiries, or -1; for those who hold the shard's lock
}

const itemSize = int(unsafe.Sizeof(item{}))

// newItem returns an item with copies of key and value.
func newItem(hash uint64, key string, value []byte, created, expires int64) *item {
	// Words, not bytes, so that the memory is aligned as the item needs it.
	words := make([]uint64, (itemSize+len(key)+len(value)+7)/8)
	it := (*item)(unsafe.Pointer(unsafe.SliceData(words)))
	*it = item{hash: hash, created: created, expires: expires, valueLen: len(value), keyLen: int32(len(key)), heapIndex: -1}
	data := it.data()
	copy(data[copy(data, key):], value)
	return it
}

// data returns the bytes that follow the item, with no capacity beyond them that two readers could both append to.
func (it *item) data() []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(it)), itemSize+int(it.keyLen)+it.valueLen)[itemSize:]
}

func (it *item) key() []byte   { return it.data()[:it.keyLen] }
func (it *item) value() []byte { return it.data()[it.keyLen:] }

func (it *item) is(hash uint64, key string) bool {
	return it.hash == hash && string(it.key()) == key && it != tombstone
}

// itemOverhead is what an entry takes besides the bytes of its key and value: the item, its slots in the table and
// its place among the expiries. It counts towards Config.MaxBytes.
const itemOverhead = 128

// cost is what the item counts towards Config.MaxBytes.
func (it *item) cost() int64 { return int64(it.keyLen) + int64(it.valueLen) + itemOverhead }
