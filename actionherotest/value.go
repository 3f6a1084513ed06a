package actionherotest

import (
	"context"
	"fmt"
	"reflect"

	"github.com/actionhero-go/actionhero"
)

// Provide returns a part that provides value to the parts that call actionhero.Use[T]. A test passes it in place of the
// initializer of the app that provides a T, for example with a mailer that only records. value is neither started nor
// stopped.
func Provide[T any](value T) actionhero.Part {
	return actionhero.Initializer{
		Name: fmt.Sprintf("test value %v", reflect.TypeFor[T]()),
		Setup: func(api *actionhero.API) error {
			actionhero.Provide(api, func(context.Context) (T, error) { return value, nil }, nil)
			return nil
		},
	}
}
