// Package terminal recognizes terminals.
package terminal

import "os"

// Is reports whether stream, a reader or a writer, is a character device other than the null device. This test is an
// approximation, because the standard library cannot recognize a terminal exactly.
func Is(stream any) bool {
	f, ok := stream.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err != nil || !os.SameFile(info, null)
}

// Width returns the number of columns of the terminal stream, or 0 if stream is no terminal or does not know them.
func Width(stream any) int {
	f, ok := stream.(*os.File)
	if !ok || !Is(f) {
		return 0
	}
	return width(f)
}
