package browserguard

import (
	"fmt"
	"net/netip"
	"strings"
)

// Hosts is a list of the names under which clients reach the server. IP addresses, "localhost" and all names below
// "localhost" always belong to the list, because no attacker controls them. The zero value has no other names.
type Hosts struct {
	any      bool
	exact    map[string]struct{}
	suffixes []string // with the leading dot
}

// NewHosts parses a list of names. An element is a name like "example.com", "*.example.com" for all names below
// example.com, or "*" for every name. NewHosts returns an error for any other element; setting is the name of the setting
// for this error.
func NewHosts(setting string, list []string) (Hosts, error) {
	h := Hosts{exact: map[string]struct{}{}}
	for _, text := range list {
		if text == "*" {
			h.any = true
			continue
		}
		name, wild := strings.CutPrefix(strings.ToLower(text), "*.")
		name = strings.TrimSuffix(name, ".")
		if name == "" || strings.ContainsFunc(name, func(c rune) bool { return !isHostByte(c) }) {
			return Hosts{}, fmt.Errorf("%s has %q: write a name like example.com or *.example.com without a port, or * for any", setting, text)
		}
		if wild {
			h.suffixes = append(h.suffixes, "."+name)
		} else {
			h.exact[name] = struct{}{}
		}
	}
	return h, nil
}

func isHostByte(c rune) bool {
	return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '.' || c == '_'
}

// Any reports whether the list has "*".
func (h *Hosts) Any() bool { return h.any }

// Allow reports whether host, the value of a Host header, names this server. A port does not matter. A request without
// a host is allowed, because browsers always send one.
func (h *Hosts) Allow(host string) bool {
	if h.any || host == "" {
		return true
	}
	if host[0] == '[' {
		address, port, ok := strings.Cut(host[1:], "]")
		return ok && isAddress(address) && (port == "" || port[0] == ':')
	}
	name, _, _ := strings.Cut(host, ":")
	name = strings.TrimSuffix(name, ".")
	if name == "localhost" || name != "" && name[len(name)-1] <= '9' && isAddress(name) {
		return true
	}
	name = strings.ToLower(name)
	if _, ok := h.exact[name]; ok || name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	for _, suffix := range h.suffixes {
		if strings.HasSuffix(name, suffix) && len(name) > len(suffix) {
			return true
		}
	}
	return false
}

func isAddress(text string) bool {
	_, err := netip.ParseAddr(text)
	return err == nil
}
