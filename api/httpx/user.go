package httpx

import (
	"time"

	"bedside/api/auth"
	"bedside/store"
)

// User is an account as its owner sees it.
type User struct {
	ID            string     `json:"id" format:"uuid"`
	Email         string     `json:"email" format:"email" example:"dana@example.org"`
	EmailVerified bool       `json:"email_verified" doc:"whether the owner has confirmed the address"`
	Name          string     `json:"name" example:"Dana Kovač"`
	Role          store.Role `json:"role" enum:"candidate,tutor,admin"`
	Profession    string     `json:"profession" doc:"one of the twelve professions, or empty" example:"nursing"`
	TargetGrade   string     `json:"target_grade" doc:"A, B, C+ or C, or empty" example:"B"`
	TestDate      string     `json:"test_date" doc:"year-month-day, or empty" example:"2026-11-14"`
	TimeZone      string     `json:"time_zone" doc:"of the IANA database, or empty" example:"Europe/Zagreb"`
	Locale        string     `json:"locale" doc:"BCP 47, or empty" example:"en-GB"`
	Avatar        string     `json:"avatar" doc:"the id of the portrait, or empty" example:"0190d2a0-0000-7000-8000-000000000001"`
	AvatarURL     string     `json:"avatar_url" doc:"where the portrait is, for some minutes, or empty; add size to choose small, medium or large" example:"/api/media/0190d2a0-0000-7000-8000-000000000001?expires=1795600000&signature=x"`
	CreatedAt     time.Time  `json:"created_at"`
}

// NewUser returns an account as its owner sees it. sessions signs the address of the portrait.
func NewUser(u store.User, sessions *auth.Sessions) User {
	return User{
		ID: u.ID, Email: u.Email, EmailVerified: u.VerifiedAt != nil, Name: u.Name, Role: u.Role,
		Profession: u.Profession, TargetGrade: u.TargetGrade, TestDate: u.TestDate,
		TimeZone: u.TimeZone, Locale: u.Locale, Avatar: u.AvatarID,
		AvatarURL: sessions.MediaURL(u.AvatarID), CreatedAt: u.CreatedAt,
	}
}
