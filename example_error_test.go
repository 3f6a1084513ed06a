package actionhero_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/actionhero-go/actionhero"
)

// An Error reaches the client: its code selects the status over HTTP. A cause in the text is logged only if it is wrapped
// with %w, and errors.Is finds it.
func ExampleErrorf() {
	err := error(actionhero.Errorf(actionhero.CodeNotFound, "there is no invoice %d", 7))
	fmt.Println(err)

	e := actionhero.Errorf(actionhero.CodeUnavailable, "the archive is closed: %w", fs.ErrPermission)
	fmt.Println(e.Code, errors.Is(e, fs.ErrPermission))
	// Output:
	// there is no invoice 7
	// unavailable true
}

// Any error without a code is logged in full and reaches the client as an internal error.
func ExampleAsError() {
	for _, err := range []error{
		errors.New("dial tcp 10.0.0.7:5432: connection refused"),
		context.DeadlineExceeded,
		actionhero.Errorf(actionhero.CodeConflict, "the ticket is closed"),
	} {
		e := actionhero.AsError(err)
		fmt.Printf("%v: %s\n", e.Code, e.Message)
	}
	// Output:
	// internal: The server experienced an internal error
	// deadlineExceeded: The request took too long
	// conflict: the ticket is closed
}

// An invalid input has a Detail for each broken rule, so that a client can show each next to its field.
func ExampleError() {
	type input struct {
		Email string `json:"email" format:"email"`
		Age   int    `json:"age" minimum:"18"`
	}
	register := actionhero.Action[input, actionhero.None]{
		Name:        "register",
		Description: "Registers a user",
		Run:         func(context.Context, input) (n actionhero.None, err error) { return n, nil },
	}
	api, stop := startAPI(register)
	defer stop()

	_, err := register.Call(context.Background(), api, input{Email: "ann", Age: 12})
	var e *actionhero.Error
	if errors.As(err, &e) {
		for _, d := range e.Details {
			fmt.Println(d.Field, "breaks", d.Rule+":", d.Message)
		}
	}
	// Output:
	// email breaks format: email must be an email address
	// age breaks minimum: age must be at least 18
}
