//go:build !unix

package pooledreader

const canTry = false

func (r *Reader) try(uintptr) bool { return true }
