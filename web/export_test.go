package web

import (
	"fmt"
	"net/http"
)

// MaxCallback is the length of the longest name of a JSONP callback, in bytes.
const MaxCallback = maxCallback

// IsCallback reports whether a text may be the name of a JSONP callback.
func IsCallback(text string) bool { return isCallback(text) }

// ResolvePath reports whether a path names a file, and otherwise the action it names.
func (s *Server) ResolvePath(path string) (isFile bool, action string) {
	got := s.resolvePath(path)
	return got.isFile, got.action
}

// MaxElementName is the maximum length of the name of an XML element, in bytes, without a leading underscore.
const MaxElementName = maxElementName

// ElementName returns the name of the XML element for a key of JSON.
func ElementName(key string) string { return elementName(key) }

// FileName returns the name that an upload gets if its client named it so.
func FileName(name string) string { return fileName(name) }

// Abandoned returns how many bodies of Contents are abandoned.
func (s *Server) Abandoned() int64 {
	n, _ := s.api.AbandonedBudget().Used()
	return n
}

// Held returns what counts against the budgets of bytes and of HTTP/2 requests, and the clients that are counted.
func (s *Server) Held() string {
	s.buffered.mu.Lock()
	defer s.buffered.mu.Unlock()
	s.uploads.mu.Lock()
	defer s.uploads.mu.Unlock()
	s.streams.mu.Lock()
	defer s.streams.mu.Unlock()
	return fmt.Sprint(s.buffered.used, len(s.buffered.clients), s.uploads.used, len(s.uploads.clients), s.streams.running, len(s.streams.addresses))
}

// Waiting returns the numbers of connections on which no request runs: without a request since Drain, and between two.
func (s *Server) Waiting() (fresh, idle int) {
	fresh, idle, _ = s.waiting()
	return fresh, idle
}

// Append calls Event.append.
func (e *Event) Append(dst []byte) ([]byte, error) { return e.append(dst) }

// ServeFast serves a request as one from the fast path.
func (s *Server) ServeFast(w http.ResponseWriter, r *http.Request) { s.serveUnmounted(w, r) }

// ReadRoutes reads the routes of the actions without a start.
func (s *Server) ReadRoutes() error { return s.readRoutes() }

// KeepFilesAtOnce makes the server keep files in memory that have just changed.
func (s *Server) KeepFilesAtOnce() { s.fileCache.quiet.Store(-1 << 62) }

// FilesInMemory returns the number of files in memory, and what they cost.
func (s *Server) FilesInMemory() (n int, bytes int64) {
	s.fileCache.mu.Lock()
	defer s.fileCache.mu.Unlock()
	return len(s.fileCache.ring), s.fileCache.bytes
}
