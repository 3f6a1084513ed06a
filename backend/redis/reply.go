package redis

import (
	"errors"
	"fmt"

	"github.com/redis/rueidis"
)

// errReply means that the server has sent a reply of another form than its command demands.
var errReply = errors.New("the server sent a reply of an unknown form: is it Redis or Valkey?")

// asInt returns a reply that is a whole number.
func asInt(m rueidis.RedisMessage, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return m.AsInt64()
}

// asWords returns a reply that is a list of texts, of which there is at least one.
func asWords(m rueidis.RedisMessage, err error) ([]string, error) {
	if err != nil {
		return nil, err
	}
	words, err := m.AsStrSlice()
	if err == nil && len(words) == 0 {
		err = errReply
	}
	if err != nil {
		return nil, fmt.Errorf("a script: %w", err)
	}
	return words, nil
}

// isWrongType reports whether the server refused a command because the key has another type.
func isWrongType(err error) bool {
	var reply *rueidis.RedisError
	return errors.As(err, &reply) && codeOf(reply.Error()) == "WRONGTYPE"
}
