package backend

import (
	"fmt"
	"strings"
)

// String returns the name of the state in lower case, for example "scheduled". For an invalid state it returns the
// number, as in "State(9)".
func (s State) String() string {
	if s == 0 || int(s) >= len(stateNames) {
		return fmt.Sprintf("State(%d)", uint8(s))
	}
	return stateNames[s]
}

// Finished reports whether the state is Completed, Cancelled or Dead. A job in one of these states runs again only
// after [Queue.Retry].
func (s State) Finished() bool { return s == Completed || s == Cancelled || s == Dead }

// MarshalText returns the name of the state in lower case. It fails if s is not a valid state.
func (s State) MarshalText() ([]byte, error) {
	if s == 0 || int(s) >= len(stateNames) {
		return nil, fmt.Errorf("%d is no state of a job", uint8(s))
	}
	return []byte(stateNames[s]), nil
}

// UnmarshalText sets s to the state whose name is in text. It fails if no state has this name.
func (s *State) UnmarshalText(text []byte) error {
	state, err := ParseState(string(text))
	if err == nil {
		*s = state
	}
	return err
}

// ParseState returns the state with this name, for example "scheduled". It fails if no state has this name.
func ParseState(name string) (State, error) {
	for s := Scheduled; int(s) < len(stateNames); s++ {
		if stateNames[s] == name {
			return s, nil
		}
	}
	return 0, fmt.Errorf("%q is no state of a job: use one of %s", name, strings.Join(stateNames[1:], ", "))
}

// Of returns a pointer to the field of c that counts the jobs in state s, or nil if s is not a valid state.
func (c *Counts) Of(s State) *int {
	switch s {
	case Scheduled:
		return &c.Scheduled
	case Available:
		return &c.Available
	case Running:
		return &c.Running
	case Retryable:
		return &c.Retryable
	case Completed:
		return &c.Completed
	case Cancelled:
		return &c.Cancelled
	case Dead:
		return &c.Dead
	}
	return nil
}
