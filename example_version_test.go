package actionhero_test

import (
	"context"
	"fmt"

	"github.com/actionhero-go/actionhero"
)

// Two versions of an action have one name. The newest is the default. The name "v1/greet", so the path /api/v1/greet, asks
// for the other one; so do the param apiVersion and, over HTTP, the header Api-Version.
func ExampleActionInfo_VersionedName() {
	type person struct {
		Name string `json:"name" required:"true"`
	}
	greet := func(text string) func(context.Context, person) (map[string]string, error) {
		return func(_ context.Context, in person) (map[string]string, error) {
			return map[string]string{"greeting": text + in.Name}, nil
		}
	}
	api, stop := startAPI(
		actionhero.Action[person, map[string]string]{Name: "greet", Version: 1, Run: greet("Hi ")},
		actionhero.Action[person, map[string]string]{Name: "greet", Version: 2, Run: greet("Hello ")},
	)
	defer stop()
	for _, info := range api.Actions() {
		fmt.Println(request(api, info.VersionedName(), map[string]string{"name": "Ann"}))
	}
	fmt.Println(request(api, "greet", map[string]string{"name": "Ann"}))
	fmt.Println(request(api, "greet", map[string]string{"name": "Ann", "apiVersion": "1"}))
	fmt.Println(request(api, "greet", map[string]string{"name": "Ann", "apiVersion": "3"}))
	// Output:
	// map[greeting:Hello Ann] <nil>
	// map[greeting:Hi Ann] <nil>
	// map[greeting:Hello Ann] <nil>
	// map[greeting:Hi Ann] <nil>
	// <nil> greet has no version 3: choose one of 1, 2
}
