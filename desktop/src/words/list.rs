//! Every sentence by name, with its placeholders in the order of its function's arguments. One a line, so longer than other
//! files.

use super::Words;
use std::fmt::Display;

macro_rules! words {
    ($($name:ident $(($($value:ident),+))?;)*) => {
        #[expect(non_camel_case_types, reason = "named as in the language file")]
        #[derive(Clone, Copy)]
        pub(super) enum Key { $($name,)* }

        /// Names and placeholders, in the order of [`Key`].
        pub(super) const LIST: &[(&str, &[&str])] = &[$((stringify!($name), &[$($(stringify!($value)),+)?]),)*];

        impl Words {
            $(words!(@one $name $(($($value),+))?);)*
        }
    };
    (@one $name:ident) => {
        #[doc = concat!("The sentence `", stringify!($name), "`.")]
        pub fn $name(&self) -> &str {
            self.sentence(Key::$name)
        }
    };
    (@one $name:ident ($($value:ident),+)) => {
        #[doc = concat!("The sentence `", stringify!($name), "`, with its values.")]
        pub fn $name(&self, $($value: impl Display),+) -> String {
            self.filled(Key::$name, &[$((stringify!($value), &$value)),+])
        }
    };
}

words! {
    // Both windows.
    one_second;
    seconds(count);
    minutes(count);
    close;
    // The user's window: before a code.
    host_title;
    one_moment;
    dialling;
    dialling_host(host);
    dialling_again(host);
    which_title;
    which_text;
    which_field;
    which_paste;
    which_next;
    which_incomplete;
    which_other;
    new_title;
    new_text;
    new_changed;
    new_yes;
    new_no;
    // The code.
    code_coming;
    code_title;
    code_read;
    code_digits(code);
    code_question;
    code_warning;
    code_copy;
    code_copied;
    code_left(time);
    desk_through(desk, host);
    wrong_code;
    wrong_codes;
    two_claimants;
    code_expired;
    code_gone;
    relay_lost;
    wait_title;
    wait_text;
    wait_left(time);
    key_title;
    key_text;
    key_button;
    caller_title(technician);
    caller_text(desk);
    // This was a scam.
    scam;
    scam_title;
    scam_text(host);
    scam_meanwhile;
    scam_yes;
    scam_no;
    // The questions.
    ask_view(technician);
    ask_view_means;
    ask_control(technician);
    ask_control_means;
    ask_clipboard_in(technician);
    ask_clipboard_in_means;
    ask_clipboard_out(technician);
    ask_clipboard_out_means;
    ask_other(technician, rights);
    ask_called;
    ask_left(time);
    ask_from(technician, desk);
    ask_through(host);
    allow_view;
    allow_control;
    allow_clipboard;
    allow_other;
    decline;
    // The session.
    absent(technician);
    sees_nothing(technician);
    sees(technician);
    controls(technician);
    from_desk(desk, host);
    may_view;
    may_control;
    may_clipboard_in;
    may_clipboard_out;
    pause;
    go_on;
    stop;
    stop_key;
    paused(technician);
    yielded(technician);
    suspended(technician);
    session_relay_lost;
    no_picture(technician);
    clipboard_in(technician);
    clipboard_out(technician);
    // The end.
    over_title;
    over_again;
    bye_title;
    bye_blocked_title;
    bye_trouble_title;
    bye_text;
    fault_text;
    fault_not_blocked;
    why_user_stopped;
    why_technician_left;
    why_declined;
    why_no_answer;
    why_reported;
    why_blocked;
    why_technician_removed;
    why_busy;
    why_record_unavailable;
    why_relay_stopping;
    why_relay_unreachable;
    why_relay_key;
    why_version;
    why_lost;
    why_internal;
    why_no_screen;
    why_trouble;
    // The technician's window.
    v_title;
    v_cancel;
    // Enrolment.
    v_enrol_title;
    v_enrol_text;
    v_enrol_relay;
    v_enrol_token;
    v_enrol_button;
    v_enrol_busy(host);
    v_enrol_done(technician, desk);
    v_enrol_back;
    v_relay_no_key;
    v_relay_damaged;
    v_relay_address;
    // The code.
    v_code_title;
    v_code_text;
    v_code_missing(count);
    v_code_missing_one;
    v_code_good;
    v_code_slip;
    v_connect;
    v_relay_is(host);
    v_enrol_elsewhere;
    // Connecting.
    v_connecting;
    v_step_relay(host);
    v_step_code;
    v_step_line;
    v_step_consent;
    v_consent(computer);
    v_announced(technician, desk);
    v_since(time);
    v_step_done;
    v_step_now;
    v_step_later;
    // The session: toolbar.
    v_scale_one;
    v_scale_fit;
    v_full;
    v_full_leave;
    v_monitor(number, name);
    v_keys;
    v_chord_delete;
    v_chord_backspace;
    v_chord_tasks;
    v_chord_tab;
    v_chord_close;
    v_chord_super;
    v_chord_print;
    v_chord_console(number);
    v_consoles;
    v_type_clipboard;
    v_by_layout;
    v_by_position;
    v_grab;
    v_send_text;
    v_text_field;
    v_send;
    v_note;
    v_note_field;
    v_note_save;
    v_shot;
    v_shot_folder;
    v_shot_again;
    v_shot_done(path);
    v_shot_failed(why);
    v_shot_none;
    v_end;
    // Rights.
    v_right_view;
    v_right_control;
    v_right_in;
    v_right_out;
    v_right_clipboard;
    v_rights(rights);
    v_rights_none;
    v_ask_view;
    v_ask_control;
    v_ask_clipboard;
    v_asked_clipboard;
    v_clipboard_both;
    v_clipboard_in;
    v_clipboard_out;
    // States over the picture.
    v_view_only;
    v_control_wait;
    v_paused;
    v_paused_text;
    v_yielded;
    v_reconnecting;
    v_reconnecting_text(computer);
    v_reconnecting_blank(computer);
    v_relay_lost;
    v_no_picture;
    v_no_view;
    v_no_view_text;
    v_view_wait;
    v_first_picture;
    v_picture(computer);
    // News.
    v_given(rights);
    v_declined(rights);
    v_timed_out(rights);
    v_revoked(rights);
    v_copied_in(size);
    v_copied_out(size);
    v_too_long_in;
    v_too_long_out;
    v_clipboard_lost(why);
    v_noted(number);
    v_needs(rights);
    v_own_window;
    v_resumed;
    v_relay_back;
    // The status line.
    v_path(host);
    v_rtt(ms);
    v_rate(updates);
    v_speed(kbit);
    v_layout;
    v_position;
    v_grabbed;
    v_typing;
    v_not_typing;
    v_keyboard_lost(why);
    // The end.
    v_over;
    v_over_none;
    v_over_lasted(computer, time);
    v_new_code;
    v_enrol_again;
    v_why_done;
    v_why_user_stopped;
    v_why_technician_left;
    v_why_declined;
    v_why_no_answer;
    v_why_reported;
    v_why_blocked;
    v_why_no_such_code;
    v_why_wrong_code;
    v_why_code_dead;
    v_why_two_claimants;
    v_why_mistyped;
    v_why_refused_twice;
    v_why_unknown_technician;
    v_why_technician_removed;
    v_why_bad_token;
    v_why_too_many_wrong_codes;
    v_why_busy;
    v_why_record_unavailable;
    v_why_relay_stopping;
    v_why_relay_unreachable;
    v_why_relay_key;
    v_why_version;
    v_why_protocol;
    v_why_too_slow;
    v_why_replaced;
    v_why_lost;
    v_why_host_gone;
    v_why_internal;
    v_why_no_screen;
}
