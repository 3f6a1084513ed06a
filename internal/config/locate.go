package config

import (
	"errors"
	"fmt"
	"strings"
)

// Locate adds to each error that begins with the name of a setting the place of its value: the file and the line, or the
// environment variable. err may be a join of several errors. src is a struct of settings or a pointer to one, and origins
// is the result of [Load] for it. An error about a value that is from neither a file nor a variable stays unchanged.
func Locate(err error, src any, origins Origins) error {
	if err == nil || len(origins) == 0 {
		return err
	}
	return locate(err, mustCollect(src), origins)
}

func locate(err error, known []leaf, origins Origins) error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok && errors.Join(joined.Unwrap()...).Error() == err.Error() {
		var located []error
		for _, one := range joined.Unwrap() {
			located = append(located, locate(one, known, origins))
		}
		return errors.Join(located...)
	}
	name, _, _ := strings.Cut(err.Error(), " ")
	if source := origins.sourceOf(name, known); source != "" {
		return fmt.Errorf("%s: %w", source, err)
	}
	return err
}

// sourceOf returns the source of the setting with this path, or of the list or map that has it as an element. It returns
// "" if the value is not from a file or a variable.
func (origins Origins) sourceOf(path string, known []leaf) string {
	for i := range known {
		s := &known[i]
		rest, ok := strings.CutPrefix(path, s.path)
		if !ok || rest != "" && rest[0] != '[' && rest[0] != '.' {
			continue
		}
		if origin, loaded := origins[s.path]; loaded && origin.value == s.show() {
			return origin.Source
		}
	}
	return ""
}
