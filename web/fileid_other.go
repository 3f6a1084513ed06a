//go:build !linux

package web

import "io/fs"

// idOf returns ok false: no file is kept in memory on this system.
func idOf(fs.FileInfo) (id fileID, ok bool) { return id, false }
