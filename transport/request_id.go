package transport

// RequestID returns the id of a request for the log: the trace id of traceparent (W3C Trace Context), or else the value
// of X-Request-Id, or else "". A transport passes the header X-Request-Id only if a trusted proxy sent it. A malformed
// traceparent, and a requestID that has more than 128 characters or others than letters, digits and -_.:/+=@, counts as
// absent.
func RequestID(traceparent, requestID string) string {
	if id, ok := traceID(traceparent); ok {
		return id
	}
	if len(requestID) > 128 {
		return ""
	}
	for _, c := range []byte(requestID) {
		if !isIDByte(c) {
			return ""
		}
	}
	return requestID
}

func isIDByte(c byte) bool {
	switch c {
	case '-', '_', '.', ':', '/', '+', '=', '@':
		return true
	}
	return 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9'
}

// traceID returns the trace id of a header traceparent: version, trace id, parent id and flags, in lower-case
// hexadecimal digits. A later version than 00 may append further fields.
func traceID(header string) (string, bool) {
	const version, trace, parent, length = 2, 35, 52, 55
	if len(header) < length || len(header) > length && (header[length] != '-' || header[:version] == "00") || header[:version] == "ff" {
		return "", false
	}
	zero := true
	for i, c := range []byte(header[:length]) {
		if i == version || i == trace || i == parent {
			if c != '-' {
				return "", false
			}
			continue
		}
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return "", false
		}
		zero = zero && (i < version || i > trace || c == '0')
	}
	return header[version+1 : trace], !zero
}
