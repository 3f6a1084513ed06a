package engine

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
)

// packets parses all packets of a body.
func packets(body []byte) (all []packet, err error) {
	for more := true; more; more = body != nil {
		var p packet
		if p, body, err = nextPacket(body); err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

func TestPackets(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		body string
		want []packet
	}{
		{"4hello\x1e2\x1e4world", []packet{{'4', false, []byte("hello")}, {'2', false, nil}, {'4', false, []byte("world")}}},
		{"4hello\x1ebAQIDBA==", []packet{{'4', false, []byte("hello")}, {'4', true, []byte{1, 2, 3, 4}}}},
		{"b", []packet{{'4', true, nil}}},
		{"6", []packet{{'6', false, nil}}},
		{"4\x1fé\x00", []packet{{'4', false, []byte("\x1fé\x00")}}},
	} {
		got, err := packets([]byte(test.body))
		if err != nil || len(got) != len(test.want) {
			t.Fatalf("%q: %v, %v", test.body, got, err)
		}
		for i, want := range test.want {
			if got[i].kind != want.kind || got[i].binary != want.binary || !bytes.Equal(got[i].data, want.data) {
				t.Errorf("%q: packet %d is %+v", test.body, i, got[i])
			}
		}
	}
	for _, body := range []string{"", "\x1e", "4a\x1e", "\x1e4a", "a", "7", "b*", "bA", "4a\x1eb=", "é"} {
		if got, err := packets([]byte(body)); err == nil {
			t.Errorf("%q: %+v", body, got)
		}
	}
}

func TestPacketOf(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 124, 125, 126, 65534, 65535, 100_000} {
		text := strings.Repeat("x", n)
		if got := packetOf(Prepare([]byte(text))); string(got) != "4"+text {
			t.Errorf("%d bytes become %d, %.20q", n, len(got), got)
		}
	}
}

func FuzzPayload(f *testing.F) {
	for _, seed := range []string{"4hello\x1e2\x1e4world", "4hello\x1ebAQIDBA==", "0{}", "2probe", "\x1e", "b!", "4\x1e\x1e"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		all, err := packets(bytes.Clone(body))
		parts := bytes.Split(body, []byte{separator})
		if err != nil {
			return
		}
		if len(all) != len(parts) {
			t.Fatalf("%q has %d packets", body, len(all))
		}
		for i, p := range all {
			switch {
			case !p.binary && string(parts[i]) != string(p.kind)+string(p.data):
				t.Errorf("%q became %+v", parts[i], p)
			case p.binary && (p.kind != typeMessage || len(p.data) > base64.StdEncoding.DecodedLen(len(parts[i]))):
				t.Errorf("%q became %+v", parts[i], p)
			}
		}
	})
}
