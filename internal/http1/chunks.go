package http1

// chunks is the scan of a body in chunks (RFC 9112 section 7.1) in its strictest form: sizes of up to four digits, and neither
// extensions nor trailers. net/http reads all other bodies in chunks.
type chunks struct {
	at    int  // end of the complete chunks; the next scan begins here
	end   int  // length of the body as it was sent; set when it is complete
	isOdd bool // net/http must read the body
}

// scan scans text, which begins with the body. It reports whether the scan has ended: the body is complete or odd. It looks
// at no complete chunk again, because a client may send thousands of small ones.
func (s *chunks) scan(text []byte) (ended bool) {
	for {
		size, digits, complete := chunkSize(text[s.at:])
		if s.isOdd = digits < 0; s.isOdd || !complete {
			return s.isOdd
		}
		next := s.at + digits + len("\r\n") + size + len("\r\n")
		if next > len(text) {
			return false
		}
		if text[next-2] != '\r' || text[next-1] != '\n' {
			s.isOdd = true
			return true
		}
		if s.at = next; size == 0 {
			s.end = next
			return true
		}
	}
}

// chunkSize parses the line with the size of a chunk, of which text may have only a part. If the line is odd, digits is -1.
func chunkSize(text []byte) (size, digits int, complete bool) {
	for digits < len(text) {
		switch b := text[digits]; {
		case b >= '0' && b <= '9':
			size = size<<4 | int(b-'0')
		case b >= 'a' && b <= 'f':
			size = size<<4 | int(b-'a'+10)
		case b >= 'A' && b <= 'F':
			size = size<<4 | int(b-'A'+10)
		case b == '\r' && digits > 0:
			if digits+1 == len(text) {
				return 0, digits, false
			}
			if text[digits+1] != '\n' {
				return 0, -1, false
			}
			return size, digits, true
		default:
			return 0, -1, false
		}
		if digits++; digits > 4 {
			return 0, -1, false
		}
	}
	return 0, digits, false
}

// join moves the content of the chunks in text, a complete body, to the beginning of text, and returns it.
func (s *chunks) join(text []byte) []byte {
	length := 0
	for at := 0; ; {
		size, digits, _ := chunkSize(text[at:])
		if size == 0 {
			return text[:length]
		}
		at += digits + len("\r\n")
		length += copy(text[length:], text[at:at+size])
		at += size + len("\r\n")
	}
}
