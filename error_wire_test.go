package actionhero_test

import (
	"errors"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/transport"
)

// Every transport appends the same members to the answer of a failure.
func TestErrorMembersOfEveryTransport(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err  actionhero.Error
		want string
	}{
		"code alone":  {actionhero.Error{Code: actionhero.CodeNotFound, Err: errors.New("secret")}, `,"errorCode":"notFound"`},
		"retry after": {actionhero.Error{Code: actionhero.CodeUnavailable, RetryAfter: 1001 * time.Millisecond}, `,"errorCode":"unavailable","retryAfter":2`},
		"details": {
			actionhero.Error{Code: actionhero.CodeInvalidInput, Details: []actionhero.Detail{{"a.b", "minimum", `at "least" 1`}, {"c", "type", "x"}}},
			`,"errorCode":"invalidInput","errorDetails":[{"field":"a.b","rule":"minimum","message":"at \"least\" 1"},{"field":"c","rule":"type","message":"x"}]`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := string(transport.AppendError(nil, &test.err)); got != test.want {
				t.Errorf("the members are\n%s, want\n%s", got, test.want)
			}
		})
	}
}
