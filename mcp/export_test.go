package mcp

import "net/http"

// IsOrdinary reports whether a message is answered without the library.
func IsOrdinary(h http.Header, body []byte) bool {
	_, ok := readOrdinary(h, body)
	return ok
}
