package http1

import (
	"strings"
	"testing"
)

// TestValuesHaveNoControlCharacters tries each byte at each place of values that are looked at in parts.
func TestValuesHaveNoControlCharacters(t *testing.T) {
	t.Parallel()
	for length := 1; length <= 19; length++ {
		for at := range length {
			for b := range 256 {
				value := []byte(strings.Repeat(" ~", 10)[:length])
				value[at] = byte(b)
				want := b >= ' ' && b != 0x7f || b == '\t'
				if got := validValue(string(value)); got != want {
					t.Fatalf("validValue(%q) is %v", value, got)
				}
			}
		}
	}
}
