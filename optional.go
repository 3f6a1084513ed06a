package actionhero

import (
	"fmt"
	"time"

	"github.com/actionhero-go/actionhero/internal/encode"
	"github.com/actionhero-go/actionhero/internal/jsonx"
)

// Optional is an input or an output that tells three cases apart: the member is absent, it is null, or it has a value.
// Use it for the inputs of an action that changes parts of a record, as HTTP's PATCH does. The tags of the field apply to
// the value. A field of this type cannot have the tags required and default.
//
// An empty text is a value if T is a string, and counts as absent for every other T. A form cannot send null; JSON can.
//
// As an output, an Optional that is not set is null. With the json option omitzero, it is absent.
type Optional[T any] struct {
	Set   bool // the member is present: Null or Value holds what was sent
	Null  bool // the member is null
	Value T    // the value; the zero value unless Set is true and Null is false
}

// IsZero reports whether the member is absent.
func (o Optional[T]) IsZero() bool { return !o.Set }

// MarshalJSON returns the JSON of the value, or null if o is null or not set.
func (o Optional[T]) MarshalJSON() ([]byte, error) {
	if !o.Set || o.Null {
		return []byte("null"), nil
	}
	return encode.Marshal(o.Value)
}

// UnmarshalJSON sets o to the value in data, which is JSON, or to null.
func (o *Optional[T]) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		*o = Optional[T]{Set: true, Null: true}
		return nil
	}
	*o = Optional[T]{Set: true}
	return jsonx.Unmarshal(data, &o.Value)
}

// Date is a day without a time and without a time zone. As text and as JSON it is written as in "2026-12-01". The zero
// Date is the empty text.
type Date struct {
	Year  int // 0 to 9999
	Month time.Month
	Day   int
}

const dateForm = "0000-00-00"

// DateOf returns the day of t in the time zone of t.
func DateOf(t time.Time) Date {
	year, month, day := t.Date()
	return Date{year, month, day}
}

// ParseDate parses a text such as "2026-12-01". It returns an error if the text has another form or names no day.
func ParseDate(text string) (Date, error) {
	var d Date
	return d, d.UnmarshalText([]byte(text))
}

// Time returns the beginning of the day in the time zone loc.
func (d Date) Time(loc *time.Location) time.Time {
	return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, loc)
}

// IsZero reports whether d is the zero Date.
func (d Date) IsZero() bool { return d == Date{} }

// Compare returns -1 if d is before e, 1 if d is after e, and 0 if they are the same day.
func (d Date) Compare(e Date) int { return d.Time(time.UTC).Compare(e.Time(time.UTC)) }

// String returns the date as in "2026-12-01", or an empty text for the zero Date.
func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day)
}

// MarshalText returns the text of [Date.String]. It returns an error if d is not a day of the calendar.
func (d Date) MarshalText() ([]byte, error) {
	if d.IsZero() || d.valid() {
		return []byte(d.String()), nil
	}
	return nil, fmt.Errorf("%d-%d-%d is not a day of the calendar", d.Year, d.Month, d.Day)
}

func (d Date) valid() bool {
	return d.Year >= 0 && d.Year <= 9999 && DateOf(d.Time(time.UTC)) == d
}

// UnmarshalText sets d to the date in text, as in "2026-12-01". An empty text sets d to the zero Date.
func (d *Date) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*d = Date{}
		return nil
	}
	t, err := time.Parse(time.DateOnly, string(text))
	if err != nil || len(text) != len(dateForm) {
		return fmt.Errorf("%.20q is not a date such as 2026-12-01", text)
	}
	*d = DateOf(t)
	return nil
}
