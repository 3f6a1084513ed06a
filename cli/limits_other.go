//go:build !linux && !darwin

package cli

// maxFiles reports that the limit is not known.
func maxFiles() (most uint64, known bool) { return 0, false }

// freeBytes reports that the free space is not known.
func freeBytes(string) (free uint64, known bool) { return 0, false }
