package web

import (
	"net"
	"net/http"
	"slices"
	"strings"
)

// Forwarded returns the scheme and the host for which the client has asked the outermost trusted proxy, according to the
// headers X-Forwarded-Proto and X-Forwarded-Host, or without both according to the header Forwarded (RFC 7239). The scheme
// is "http" or "https". A value is empty if the peer of the connection is not a trusted proxy, or no header has it.
func (s *Server) Forwarded(r *http.Request) (scheme, host string) {
	if len(s.proxies) == 0 {
		return "", ""
	}
	hosts, schemes, elements := r.Header["X-Forwarded-Host"], r.Header["X-Forwarded-Proto"], r.Header["Forwarded"]
	if hosts == nil && schemes == nil && elements == nil {
		return "", ""
	}
	peer, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil || !s.trusted(peer) {
		return "", ""
	}
	if hosts == nil && schemes == nil {
		return s.readForwarded(elements)
	}
	proxies := 1
	for _, hop := range slices.Backward(strings.Split(strings.Join(r.Header["X-Forwarded-For"], ","), ",")) {
		if !s.isProxy(hop) {
			break
		}
		proxies++
	}
	return webScheme(entryOf(schemes, proxies)), entryOf(hosts, proxies)
}

// entryOf returns the entry that the outermost of the trusted proxies has added to a header. Each proxy adds an entry at
// the end, or replaces all. Entries that the client has sent are before them.
func entryOf(values []string, proxies int) string {
	list := strings.Split(strings.Join(values, ","), ",")
	return strings.TrimSpace(list[max(len(list)-proxies, 0)])
}

// isProxy reports whether an entry of X-Forwarded-For is the address of a trusted proxy.
func (s *Server) isProxy(hop string) bool {
	addr, ok := parseHop(strings.TrimSpace(hop))
	return ok && s.trusted(addr.String())
}

// readForwarded reads the header Forwarded from right to left, as [Server.RemoteIP] reads X-Forwarded-For.
func (s *Server) readForwarded(values []string) (scheme, host string) {
	for _, element := range slices.Backward(splitQuoted(strings.Join(values, ","), ',')) {
		var client string
		scheme, host = "", ""
		for _, pair := range splitQuoted(element, ';') {
			name, value, _ := strings.Cut(pair, "=")
			switch value = unquote(value); strings.ToLower(strings.TrimSpace(name)) {
			case "for":
				client = value
			case "host":
				host = value
			case "proto":
				scheme = webScheme(value)
			}
		}
		if !s.isProxy(client) {
			break
		}
	}
	return scheme, host
}

// webScheme returns "http" or "https" for the scheme of a page or of a WebSocket, and "" for any other text.
func webScheme(text string) string {
	switch strings.ToLower(text) {
	case "http", "ws":
		return "http"
	case "https", "wss":
		return "https"
	}
	return ""
}

// splitQuoted splits text at each separator that is not within quotes.
func splitQuoted(text string, separator byte) (parts []string) {
	begin, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			quoted = !quoted
		case c == '\\' && quoted:
			i++
		case c == separator && !quoted:
			parts, begin = append(parts, text[begin:i]), i+1
		}
	}
	return append(parts, text[begin:])
}

// unquote returns the value of a token or of a quoted string. Neither hosts nor addresses have characters that need a
// backslash.
func unquote(text string) string {
	text = strings.TrimSpace(text)
	if len(text) >= 2 && text[0] == '"' && text[len(text)-1] == '"' {
		text = text[1 : len(text)-1]
	}
	return text
}
