package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"hash/crc32"
	"strings"
)

// The text of a key is prefix_id_secret: 12 characters of id, 26 of secret (130 bits) and 7 of a checksum, all of them from
// a to z and 2 to 7. The checksum refuses a misspelt or invented key without a look into the store.
const (
	keyIDLen     = 12
	keySecretLen = 26
	keySumLen    = 7
)

var keyAlphabet = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// newKeyText returns a new key, and its id, which is the text before the secret.
func newKeyText(prefix string) (text, id string) {
	id = prefix + "_" + strings.ToLower(rand.Text()[:keyIDLen])
	text = id + "_" + strings.ToLower(rand.Text()[:keySecretLen])
	return text + keySum(text), id
}

func keySum(text string) string {
	return keyAlphabet.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(text))))
}

// parseKey returns the id of a key with this prefix. ok is false if the text is not one.
func parseKey(prefix, text string) (id string, ok bool) {
	length := len(prefix) + 1 + keyIDLen
	if len(text) != length+1+keySecretLen+keySumLen || text[length] != '_' || !isKeyID(prefix, text[:length]) {
		return "", false
	}
	sum := len(text) - keySumLen
	return text[:length], keySum(text[:sum]) == text[sum:]
}

// isKeyID reports whether the text has the form of an id. A store may use these in the names of its entries.
func isKeyID(prefix, text string) bool {
	random, ok := strings.CutPrefix(text, prefix+"_")
	if !ok || len(random) != keyIDLen {
		return false
	}
	for _, c := range []byte(random) {
		if (c < 'a' || c > 'z') && (c < '2' || c > '7') {
			return false
		}
	}
	return true
}

// hashKey returns the hash of a key for the store. A fast hash is enough: 130 random bits cannot be guessed.
func hashKey(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}
