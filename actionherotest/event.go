package actionherotest

import (
	"encoding/json"
	"testing"

	"github.com/actionhero-go/actionhero"
)

// NextEvent returns the value of the next message of the event that the client has received, and the room of the message.
// It waits as [Client.Next] does. NextEvent skips other messages, such as notices of members that enter the room. If the
// value does not decode, NextEvent fails the test.
func NextEvent[T any](t testing.TB, c *Client, event actionhero.Event[T]) (value T, room string) {
	t.Helper()
	for {
		m := c.Next(t)
		var text struct {
			Event string          `json:"event"`
			Data  json.RawMessage `json:"data"`
		}
		if m.Body[0] != '{' || json.Unmarshal([]byte(m.Body), &text) != nil || text.Event != event.Name {
			continue
		}
		if err := json.Unmarshal(text.Data, &value); err != nil {
			t.Fatalf("the value of the event %q does not decode: %v", event.Name, err)
		}
		return value, m.Room
	}
}
