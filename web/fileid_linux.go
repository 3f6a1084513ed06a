package web

import (
	"io/fs"
	"syscall"
)

// idOf returns the identity of the version of a file that info describes. It returns ok false if the system cannot tell
// versions apart.
func idOf(info fs.FileInfo) (id fileID, ok bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return id, false
	}
	return fileID{
		size: info.Size(), modified: info.ModTime().UnixNano(), changed: stat.Ctim.Nano(),
		device: uint64(stat.Dev), inode: stat.Ino,
	}, true
}
