package wire

import (
	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/jsonx"
)

// IdempotencyKey returns the text of raw, the JSON value of the member "idempotencyKey" of a message.
func IdempotencyKey(raw []byte) (string, error) {
	if raw[0] == '"' && string(raw) != `""` {
		return jsonx.Unquote(raw)
	}
	return "", actionhero.Errorf(actionhero.CodeInvalidInput, "idempotencyKey must be a string that is not empty")
}
