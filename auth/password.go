package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/actionhero-go/actionhero"
)

// The parameters of new hashes: those that OWASP recommends for Argon2id. A hash takes about 20 ms.
const (
	hashMemory  = 19 << 10 // KiB
	hashTime    = 2
	hashThreads = 1
	saltBytes   = 16
	hashBytes   = 32
)

// The parameters up to which CheckPassword computes a hash that comes from elsewhere.
const (
	maxHashMemory = 256 << 10 // KiB
	maxHashTime   = 16
	maxThreads    = 16
)

// MaxPassword is the largest size of a password in bytes.
const MaxPassword = 1 << 10

// ErrWrongPassword is the error of [CheckPassword] for a wrong password and for an account that does not exist. A client
// may read it.
var ErrWrongPassword error = actionhero.Errorf(actionhero.CodeUnauthenticated, "the name or the password is wrong")

// HashPassword returns a hash of the password, to be stored with the account: a PHC string of Argon2id with a random salt,
// such as "$argon2id$v=19$m=19456,t=2,p=1$…$…", of 97 characters.
//
// A hash needs 19 MiB of memory and about 20 ms of one processor. The process computes no more hashes at a time than it
// has processors, so that many logins at once do not exhaust the memory; further calls wait. If ctx ends first, the error
// is CodeUnavailable. If the password is empty or has more than MaxPassword bytes, the error is CodeInvalidInput.
func HashPassword(ctx context.Context, password string) (string, error) {
	if password == "" || len(password) > MaxPassword {
		return "", actionhero.Errorf(actionhero.CodeInvalidInput, "a password has 1 to %d bytes", MaxPassword)
	}
	h := phc{memory: hashMemory, time: hashTime, threads: hashThreads, salt: make([]byte, saltBytes)}
	_, _ = rand.Read(h.salt) // never fails (crypto/rand)
	var err error
	if h.sum, err = h.compute(ctx, password, hashBytes); err != nil {
		return "", err
	}
	return h.String(), nil
}

// CheckPassword returns nil if the password belongs to the hash that HashPassword, or another program, has made with
// Argon2id. If it does not, the error is [ErrWrongPassword].
//
// If there is no such account, call CheckPassword with the hash "": it takes the same time and returns ErrWrongPassword,
// so a client does not find out which accounts exist. A password of more than MaxPassword bytes is wrong.
//
// If ctx ends before a processor is free, the error is CodeUnavailable. If the hash is malformed or its parameters are too
// large (256 MiB, 16 passes), the error has no code, so the client reads an internal error.
func CheckPassword(ctx context.Context, hash, password string) error {
	h, known := dummy, hash != ""
	if known {
		var err error
		if h, err = parsePHC(hash); err != nil {
			return err
		}
	}
	if len(password) > MaxPassword {
		known, password = false, ""
	}
	sum, err := h.compute(ctx, password, len(h.sum))
	if err != nil {
		return err
	}
	if equal := subtle.ConstantTimeCompare(sum, h.sum) == 1; !equal || !known {
		return ErrWrongPassword
	}
	return nil
}

// NeedsRehash reports whether a hash was not made with the parameters of HashPassword. After a login with the right
// password, hash it again and store the new hash.
func NeedsRehash(hash string) bool {
	h, err := parsePHC(hash)
	return err != nil || h.memory != hashMemory || h.time != hashTime || h.threads != hashThreads || len(h.salt) < saltBytes || len(h.sum) != hashBytes
}

// dummy is the hash for accounts that do not exist. No password belongs to it.
var dummy = phc{memory: hashMemory, time: hashTime, threads: hashThreads, salt: make([]byte, saltBytes), sum: make([]byte, hashBytes)}

// phc is a hash with its parameters.
type phc struct {
	memory, time uint32
	threads      uint8
	salt, sum    []byte
}

func (h phc) String() string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.memory, h.time, h.threads, b64.EncodeToString(h.salt), b64.EncodeToString(h.sum))
}

// compute returns the hash of a password, when the process has memory for it.
func (h phc) compute(ctx context.Context, password string, size int) ([]byte, error) {
	release, err := hashing.acquire(ctx, h.memory)
	if err != nil {
		return nil, &actionhero.Error{Code: actionhero.CodeUnavailable, Message: "too many logins at once: try again later", RetryAfter: time.Second, Err: err}
	}
	defer release()
	return argon2.IDKey([]byte(password), h.salt, h.time, h.memory, h.threads, uint32(size)), nil
}

// hashSlots bounds the memory of all hashes that are computed at a time. A slot stands for the memory of one new hash.
type hashSlots struct {
	free chan struct{} // a token for each free slot
	one  chan struct{} // a token for the caller that takes slots, so that two of them do not wait for each other
}

var hashing = newHashSlots(runtime.GOMAXPROCS(0))

func newHashSlots(n int) *hashSlots {
	s := &hashSlots{free: make(chan struct{}, n), one: make(chan struct{}, 1)}
	for range n {
		s.free <- struct{}{}
	}
	return s
}

// acquire takes the slots for a hash with this memory in KiB, or all slots if it needs more.
func (s *hashSlots) acquire(ctx context.Context, memory uint32) (release func(), err error) {
	need := min((int(memory)+hashMemory-1)/hashMemory, cap(s.free))
	select {
	case s.one <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	defer func() { <-s.one }()
	taken := 0
	release = func() {
		for range taken {
			s.free <- struct{}{}
		}
	}
	for taken < need {
		select {
		case <-s.free:
			taken++
		case <-ctx.Done():
			release()
			return nil, context.Cause(ctx)
		}
	}
	return release, nil
}

// errHash is the error for a stored hash that CheckPassword cannot compute. It does not show the hash.
var errHash = errors.New("auth: a stored password hash is no PHC string of Argon2id with parameters in range: use HashPassword")

// parsePHC reads a PHC string. The parameters must be in the order m, t, p, as all implementations write them.
func parsePHC(text string) (h phc, err error) {
	fields := strings.Split(text, "$")
	if len(fields) != 6 || fields[0] != "" || fields[1] != "argon2id" || fields[2] != "v="+strconv.Itoa(argon2.Version) {
		return h, errHash
	}
	params := strings.Split(fields[3], ",")
	if len(params) != 3 {
		return h, errHash
	}
	memory, okM := number(params[0], "m=", maxHashMemory)
	passes, okT := number(params[1], "t=", maxHashTime)
	threads, okP := number(params[2], "p=", maxThreads)
	salt, errSalt := base64.RawStdEncoding.Strict().DecodeString(fields[4])
	sum, errSum := base64.RawStdEncoding.Strict().DecodeString(fields[5])
	if !okM || !okT || !okP || memory < 8*threads || errSalt != nil || errSum != nil || len(salt) < 8 || len(salt) > 64 || len(sum) < 16 || len(sum) > 64 {
		return h, errHash
	}
	return phc{memory: memory, time: passes, threads: uint8(threads), salt: salt, sum: sum}, nil
}

// number reads a parameter from 1 to most.
func number(text, prefix string, most uint32) (uint32, bool) {
	digits, ok := strings.CutPrefix(text, prefix)
	n, err := strconv.ParseUint(digits, 10, 32)
	return uint32(n), ok && err == nil && n >= 1 && n <= uint64(most) && digits[0] != '0' && digits[0] != '+'
}
