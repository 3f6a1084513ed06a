package hooks

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strconv"
	"time"
)

// maxAge is the age up to which a signature counts. A request that someone has recorded is worthless afterwards.
const maxAge = 5 * time.Minute

var errSignature = errors.New("the signature is wrong or too old")

// sign returns the signature of a body at a time: the HMAC of both, so that the time cannot be changed either.
func sign(secret string, at time.Time, body []byte) (timestamp, signature string) {
	timestamp = strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(timestamp + "."))
	mac.Write(body)
	return timestamp, hex.EncodeToString(mac.Sum(nil))
}

// verify checks a signature. An empty secret, as of a server that lacks its configuration, verifies nothing.
func verify(secret, timestamp, signature string, body []byte, now time.Time) error {
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || secret == "" {
		return errSignature
	}
	at := time.Unix(seconds, 0)
	_, want := sign(secret, at, body)
	if !hmac.Equal([]byte(signature), []byte(want)) || now.Sub(at).Abs() > maxAge {
		return errSignature
	}
	return nil
}
