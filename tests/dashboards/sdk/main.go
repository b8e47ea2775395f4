// The boards' queries through Grafana's own plugin SDK: it finds the macros in the text, and makes frames of the rows.
//
// In: statements with their time range and format. Out, for each: the text that reaches ClickHouse, and the frame's fields, or
// what the SDK refused. The macros' texts are the ClickHouse plugin's (4.20), which is not on the module proxy; the plugin's
// converters are neither, so a kind of column that only they know would be refused here.
package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/grafana/grafana-plugin-sdk-go/data/sqlutil"
)

type statement struct {
	SQL        string `json:"sql"`
	From       int64  `json:"from"`
	To         int64  `json:"to"`
	IntervalMs int64  `json:"interval_ms"`
	TimeSeries bool   `json:"time_series"`
	Run        bool   `json:"run"`
}

type task struct {
	Address    string      `json:"address"`
	Statements []statement `json:"statements"`
}

type answer struct {
	SQL    string   `json:"sql"`
	Fields []string `json:"fields"`
	Rows   int      `json:"rows"`
	Error  string   `json:"error"`
}

func at(moment time.Time) string { return fmt.Sprintf("toDateTime(%d)", moment.Unix()) }

func seconds(query *sqlutil.Query) int { return max(int(query.Interval.Seconds()), 1) }

func column(args []string) (string, error) {
	if len(args) != 1 {
		return "", fmt.Errorf("%w: %v", sqlutil.ErrorBadArgumentCount, args)
	}
	return args[0], nil
}

var macros = sqlutil.Macros{
	"fromTime":   func(query *sqlutil.Query, _ []string) (string, error) { return at(query.TimeRange.From), nil },
	"toTime":     func(query *sqlutil.Query, _ []string) (string, error) { return at(query.TimeRange.To), nil },
	"interval_s": func(query *sqlutil.Query, _ []string) (string, error) { return fmt.Sprint(seconds(query)), nil },
	"timeFilter": func(query *sqlutil.Query, args []string) (string, error) {
		name, err := column(args)
		return fmt.Sprintf("%s >= %s AND %s <= %s", name, at(query.TimeRange.From), name, at(query.TimeRange.To)), err
	},
	"timeInterval": func(query *sqlutil.Query, args []string) (string, error) {
		name, err := column(args)
		return fmt.Sprintf("toStartOfInterval(toDateTime(%s), INTERVAL %d second)", name, seconds(query)), err
	},
}

// The SDK takes a column for one without NULLs; the plugin has a converter for each kind that may have some, and so have we.
func nullable[T any](kind string) sqlutil.Converter {
	var none T
	return sqlutil.Converter{
		Name:           kind,
		InputScanType:  reflect.TypeFor[**T](), // the SDK makes a new one of what this points to
		InputTypeRegex: regexp.MustCompile(`Nullable\(` + kind + `\b`),
		FrameConverter: sqlutil.FrameConverter{
			FieldType:     data.FieldTypeFor(none).NullableType(),
			ConverterFunc: func(in any) (any, error) { return *(in.(**T)), nil },
		},
	}
}

var converters = []sqlutil.Converter{
	nullable[float64]("Float64"), nullable[float32]("Float32"), nullable[int64]("Int64"), nullable[int32]("Int32"),
	nullable[uint64]("UInt64"), nullable[uint32]("UInt32"), nullable[uint16]("UInt16"), nullable[uint8]("UInt8"),
	nullable[string]("String"), nullable[time.Time]("DateTime64"), nullable[time.Time]("DateTime"),
}

func main() {
	var asked task
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		panic(err)
	}
	connection := clickhouse.OpenDB(&clickhouse.Options{
		Addr: []string{asked.Address}, Protocol: clickhouse.HTTP, Auth: clickhouse.Auth{Database: "llm", Username: "default"},
		Settings: clickhouse.Settings{"max_execution_time": 60},
	})
	answers := []answer{}
	for _, each := range asked.Statements {
		answers = append(answers, one(connection, each))
	}
	if err := json.NewEncoder(os.Stdout).Encode(answers); err != nil {
		panic(err)
	}
}

func one(connection *sql.DB, asked statement) answer {
	query := sqlutil.Query{
		RawSQL:    asked.SQL,
		Interval:  time.Duration(asked.IntervalMs) * time.Millisecond,
		TimeRange: backend.TimeRange{From: time.Unix(asked.From, 0), To: time.Unix(asked.To, 0)},
	}
	text, err := sqlutil.Interpolate(&query, macros)
	if err != nil || !asked.Run {
		return told(answer{SQL: text}, err)
	}
	frame, err := framed(connection, text, asked.TimeSeries)
	if err != nil {
		return told(answer{SQL: text}, err)
	}
	found := answer{SQL: text, Rows: frame.Rows(), Fields: []string{}}
	for _, field := range frame.Fields {
		found.Fields = append(found.Fields, fmt.Sprintf("%s %s %s", field.Name, field.Labels, field.Type()))
	}
	return found
}

func framed(connection *sql.DB, text string, series bool) (*data.Frame, error) {
	rows, err := connection.QueryContext(context.Background(), text)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	frame, err := sqlutil.FrameFromRows(rows, 1_000_000, converters...)
	if err != nil {
		return nil, err
	}
	if !series || frame.TimeSeriesSchema().Type != data.TimeSeriesTypeLong {
		return frame, nil
	}
	// As sqlds does with an answer in the long form. Without rows there is nothing to widen.
	wide, err := data.LongToWide(frame, nil)
	if frame.Rows() == 0 {
		return frame, nil
	}
	return wide, err
}

func told(found answer, err error) answer {
	if err != nil {
		found.Error = errors.Unwrap(fmt.Errorf("%w", err)).Error()
	}
	return found
}
