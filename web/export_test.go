package web

// MaxCallback is the longest name of a JSONP callback, in bytes.
const MaxCallback = maxCallback

// IsCallback reports whether a text may be the name of a JSONP callback.
func IsCallback(text string) bool { return isCallback(text) }

// ResolvePath returns what a path stands for: a file, or an action.
func (s *Server) ResolvePath(path string) (isFile bool, action string) {
	got := s.resolvePath(path)
	return got.isFile, got.action
}
