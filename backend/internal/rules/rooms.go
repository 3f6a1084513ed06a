package rules

import (
	"fmt"

	"github.com/actionhero-go/actionhero/backend"
)

// CheckChange returns an error if a name or the details in c are too long.
func CheckChange(c *backend.Change) error {
	if err := CheckName("room", c.Room); err != nil {
		return err
	}
	if err := CheckName("member", c.Member); err != nil {
		return err
	}
	if len(c.Details) > backend.MaxDetailsBytes {
		return fmt.Errorf("the details of member %.64q have %d bytes, and at most %d are allowed: %w", c.Member, len(c.Details), backend.MaxDetailsBytes, backend.ErrTooLarge)
	}
	return nil
}
