package actionhero_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend/local"
)

// dictionary stands for a resource of an app, such as a pool of a database.
type dictionary map[string]string

func (d dictionary) close() error { fmt.Println("closed"); return nil }

type translateInput struct {
	Word string `json:"word" required:"true"`
}

type translateOutput struct {
	Translation string `json:"translation"`
}

// translate is a constructor: its action needs a dictionary.
func translate(words actionhero.Value[dictionary]) actionhero.Action[translateInput, translateOutput] {
	return actionhero.Action[translateInput, translateOutput]{
		Name: "translate", Kind: actionhero.KindRead,
		Run: func(_ context.Context, in translateInput) (translateOutput, error) {
			return translateOutput{words.Get()[in.Word]}, nil
		},
	}
}

// An initializer provides a value: it makes the value at each start, and closes it at each stop. Another one uses the
// value, so it starts later, wherever it stands in the list.
func ExampleProvide() {
	translations := actionhero.Initializer{
		Name: "translations",
		Setup: func(api *actionhero.API) error {
			return api.Register(translate(actionhero.Use[dictionary](api)))
		},
	}
	words := actionhero.Initializer{
		Name: "words",
		Setup: func(api *actionhero.API) error {
			actionhero.Provide(api, func(context.Context) (dictionary, error) {
				fmt.Println("loaded")
				return dictionary{"house": "maison"}, nil
			}, func(_ context.Context, d dictionary) error { return d.close() })
			return nil
		},
	}

	api, stop := startAPI(translations, words)
	out, err := translate(actionhero.Use[dictionary](api)).Call(context.Background(), api, translateInput{"house"})
	fmt.Println(out.Translation, err)
	stop()
	// Output:
	// loaded
	// maison <nil>
	// closed
}

// While a health check fails, the health path of the web server answers 503.
func ExampleAPI_AddHealthCheck() {
	full := errors.New("the disk is full")
	api, stop := startAPI(actionhero.Initializer{
		Name: "disk",
		Setup: func(api *actionhero.API) error {
			api.AddHealthCheck("disk", func(context.Context) error { return full })
			return nil
		},
	})
	defer stop()
	err := api.Health(context.Background())
	fmt.Println(actionhero.AsError(err).Message, errors.Is(err, full))
	// Output: a health check fails: disk true
}

// A value that is used but not provided is an error of the start, which names the caller.
func ExampleUse() {
	translations := actionhero.Initializer{
		Name: "translations",
		Setup: func(api *actionhero.API) error {
			return api.Register(translate(actionhero.Use[dictionary](api)))
		},
	}
	api, err := actionhero.New(actionhero.Config{Backend: local.New(local.Config{})}, translations)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(api.Start(context.Background()))
	// Output: initializer "translations" uses the type actionhero_test.dictionary, which no initializer of this API provides: register an initializer whose Setup calls actionhero.Provide[actionhero_test.dictionary]
}

// A test of a constructor needs no initializer.
func ExampleValueOf() {
	cat := translate(actionhero.ValueOf(dictionary{"cat": "chat"}))
	api, stop := startAPI(cat)
	defer stop()
	fmt.Println(cat.Call(context.Background(), api, translateInput{"cat"}))
	// Output: {chat} <nil>
}
