package attempts

import (
	"context"
	"net/http"
	"time"

	"bedside/api/httpx"

	"github.com/danielgtaylor/huma/v2"
)

// Retention tells how long the server keeps what is said in role plays.
type Retention struct {
	RecordingsS int64 `json:"recordings_s" doc:"seconds after a role play until its recordings are deleted; 0: kept until the account is deleted" example:"31536000"`
	ReportsS    int64 `json:"reports_s" doc:"seconds after a role play until it is deleted with its report and recordings; 0: kept until the account is deleted" example:"0"`
	AudioLogS   int64 `json:"audio_log_s" doc:"seconds for which the server keeps the sound of a role play whose analysis failed, to try it again; 0: kept until the account is deleted" example:"604800"`
}

func (s *Service) retentionRoute(api huma.API) {
	httpx.Register(api, huma.Operation{
		OperationID: "get-retention", Method: http.MethodGet, Path: "/api/retention",
		Summary: "Read how long recordings and reports are kept",
		Description: "The operator of the server decides. These times hold unless the user deletes the " +
			"account first.",
	}, s.retention)
}

type retentionOutput struct{ Body Retention }

func (s *Service) retention(context.Context, *struct{}) (*retentionOutput, error) {
	seconds := func(d time.Duration) int64 { return int64(d / time.Second) }
	return &retentionOutput{Body: Retention{
		RecordingsS: seconds(s.Retention.Recordings), ReportsS: seconds(s.Retention.Reports),
		AudioLogS: seconds(s.Retention.AudioLog),
	}}, nil
}
