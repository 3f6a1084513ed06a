package web_test

import (
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero/web"
)

// readEvents reads a stream as the standard of HTML asks of a browser: a list of the id, the type and the data of each event.
func readEvents(stream string) (events [][3]string) {
	stream = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(stream)
	var id, kind, data string
	for line := range strings.SplitSeq(stream, "\n") {
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case line == "":
			if data != "" {
				events = append(events, [3]string{id, kind, strings.TrimSuffix(data, "\n")})
			}
			kind, data = "", ""
		case field == "id" && !strings.Contains(value, "\x00"):
			id = value
		case field == "event":
			kind = value
		case field == "data":
			data += value + "\n"
		}
	}
	return events
}

// Whatever an event has, a browser reads this event and no other, and the next one undisturbed.
func FuzzEvents(f *testing.F) {
	f.Add("1", "price", "two\nlines")
	f.Add("", "", "\r\n\r\ndata: x\r\r\n")
	f.Add("a\nb", "", "")
	f.Add(" 7", ":", "id: 8\n\nevent: x")
	f.Add("", "a\rb", "\ufeff\x00")
	f.Fuzz(func(t *testing.T, id, name, data string) {
		first, next := web.Event{ID: id, Name: name, Data: data}, web.Event{ID: "next", Data: "next"}
		text, err := first.Append(nil)
		if refused := strings.ContainsAny(id, "\r\n\x00") || strings.ContainsAny(name, "\r\n"); refused != (err != nil) {
			t.Fatalf("%q: %v", first, err)
		} else if refused {
			return
		}
		if text, err = next.Append(text); err != nil {
			t.Fatal(err)
		}
		want := [3]string{id, name, strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(data)}
		if got := readEvents(string(text)); len(got) != 2 || got[0] != want || got[1] != [3]string{"next", "", "next"} {
			t.Fatalf("%q is read as %q", text, got)
		}
	})
}
