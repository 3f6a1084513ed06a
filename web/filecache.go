package web

import (
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/actionhero-go/actionhero"
)

// fileCache keeps small static files in memory, with the headers of their responses. A file is looked up on disk for each
// request, under the rules of [actionhero.Files], so that the cache serves neither an old version nor a file that may not be
// read any more.
type fileCache struct {
	max   int64
	quiet atomic.Int64 // nanoseconds: how long a file must be unchanged; see quietTime
	files sync.Map     // the name that the client requests → *cachedFile

	mu    sync.Mutex
	bytes int64
	ring  []*cachedFile // all files, for the clock
	hand  int
}

// cachedFile is one version of a file.
type cachedFile struct {
	key  string
	id   fileID
	name string
	text []byte
	cost int64
	used atomic.Bool // since the hand of the clock was here
	at   int         // index in ring

	compresses bool
	answers    [len(fileCodings)]fileAnswer
}

// fileID is the identity of one version of a file. Each write, and each change of the permissions, changes it.
type fileID struct {
	size, modified, changed int64 // bytes, and nanoseconds of Unix
	device, inode           uint64
}

const (
	// maxCachedFile is the size of the largest file that is kept in memory. The kernel sends larger ones faster than this
	// process.
	maxCachedFile = 64 << 10
	// entryCost is what an entry costs besides the bytes of its file.
	entryCost = 2 << 10
	// quietTime is how long a file must be unchanged before it is kept. A file system whose clock is coarse may give the same
	// times to two versions within it.
	quietTime = 2 * time.Second
)

// statFunc describes the file on disk that a client requests by name, or returns ok false if the client may read none.
type statFunc func(name string) (info fs.FileInfo, ok bool)

func newFileCache(most int64) *fileCache {
	if most <= 0 {
		return nil
	}
	c := &fileCache{max: most}
	c.quiet.Store(int64(quietTime))
	return c
}

// find returns the file with this name if the version on disk, which stat describes, is the one in memory.
func (c *fileCache) find(name string, stat statFunc) *cachedFile {
	if c == nil {
		return nil
	}
	known, ok := c.files.Load(name)
	if !ok {
		return nil
	}
	file := known.(*cachedFile)
	if info, ok := stat(name); ok {
		if id, ok := idOf(info); ok && id == file.id {
			file.used.Store(true)
			return file
		}
	}
	c.drop(file)
	return nil
}

// load returns a new entry for content, an open static file, or nil if the file cannot be kept. It leaves the file at its
// beginning.
func (c *fileCache) load(name string, content *actionhero.Content, stat statFunc, now time.Time) *cachedFile {
	file, isFile := content.Body.(*os.File)
	if c == nil || !isFile || content.Size > maxCachedFile {
		return nil
	}
	info, err := file.Stat()
	if err != nil {
		return nil
	}
	id, ok := idOf(info)
	quiet := now.UnixNano() - c.quiet.Load()
	if !ok || id.modified > quiet || id.changed > quiet || id.size > maxCachedFile {
		return nil
	}
	text := make([]byte, id.size)
	if _, err := file.ReadAt(text, 0); err != nil && err != io.EOF {
		return nil
	}
	if info, ok = stat(name); !ok {
		return nil
	}
	if after, ok := idOf(info); !ok || after != id {
		return nil // it changes just now
	}
	name = strings.Clone(name) // the name is a part of the head of its request, with cookies, which would stay in memory
	return &cachedFile{key: name, id: id, name: content.Name, text: text, cost: id.size + int64(len(name)) + entryCost}
}

// add keeps file. If the cache is full, it drops files that no client has requested since the last round of the clock.
func (c *fileCache) add(file *cachedFile) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if file.cost > c.max {
		return
	}
	if old, ok := c.files.Load(file.key); ok {
		c.remove(old.(*cachedFile))
	}
	for c.bytes+file.cost > c.max {
		if c.hand >= len(c.ring) {
			c.hand = 0
		}
		if old := c.ring[c.hand]; old.used.Swap(false) {
			c.hand++
		} else {
			c.remove(old)
		}
	}
	file.at = len(c.ring)
	c.ring = append(c.ring, file)
	c.bytes += file.cost
	c.files.Store(file.key, file)
}

func (c *fileCache) drop(file *cachedFile) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.remove(file)
}

// remove removes file if the cache has it. The caller must hold c.mu.
func (c *fileCache) remove(file *cachedFile) {
	if !c.files.CompareAndDelete(file.key, file) {
		return
	}
	c.bytes -= file.cost
	last := len(c.ring) - 1
	c.ring[file.at], c.ring[last].at = c.ring[last], file.at
	c.ring[last] = nil
	c.ring = c.ring[:last]
}
