//! How switches are written, and what is said where they don't work.

use expect_test::expect;

use crate::sandbox::Switches;

#[test]
fn switches_that_work() {
    let good = [
        "",
        " ; ",
        "clock=2027-01-31T10:00:00Z",
        "status=429",
        "status=503,method=POST,path=/v3/tokens,times=1;latency=50ms",
        "latency=2s,status=400,retry-after=7,body=a=b",
        " status=599 , times=3 ; clock=2027-01-31T10:00:00+01:00 ;",
    ];
    for text in good {
        assert!(Switches::parse(text).is_ok(), "{text}");
    }
    assert_eq!(Switches::parse("").unwrap().clock(), None);
    let clock = Switches::parse("latency=1ms;clock=2027-01-31T10:00:00+01:00").unwrap().clock();
    assert_eq!(clock.unwrap().to_string(), "2027-01-31T09:00:00Z");
}

#[test]
fn switches_that_do_not_work() {
    let bad = [
        "on",
        "status",
        "stauts=429",
        "Status=429",
        "status=200",
        "status=600",
        "status=4290",
        "status=abc",
        "status=429,",
        "status=429,status=500",
        "latency=50",
        "latency=-1s",
        "latency=1.5s",
        "status=429,method=post",
        "status=429,path=v3",
        "status=429,times=0",
        "status=429,times=many",
        "status=429,retry-after=a%0Ab",
        "method=POST",
        "latency=1s,retry-after=7",
        "latency=1s,body=x",
        "clock=tomorrow",
        "clock=2027-01-31T10:00:00Z,status=429",
        "status=429,clock=2027-01-31T10:00:00Z",
        "clock=2027-01-31T10:00:00Z;clock=2027-01-31T10:00:00Z",
        "cut=1",
    ];
    let mut messages = String::new();
    for text in bad {
        messages += &format!("{text}\n    {}\n", Switches::parse(text).unwrap_err());
    }
    expect![[r#"
        on
            `on` is no switch: write `key=value`, with commas within a fault and semicolons between faults
        status
            `status` is no switch: write `key=value`, with commas within a fault and semicolons between faults
        stauts=429
            unknown switch `stauts`: a fault takes `status`, `latency`, `retry-after`, `body`, `method`, `path` and `times`; `clock` stands alone
        Status=429
            unknown switch `Status`: a fault takes `status`, `latency`, `retry-after`, `body`, `method`, `path` and `times`; `clock` stands alone
        status=200
            `status=200` does not work: `status` takes a number from 400 to 599
        status=600
            `status=600` does not work: `status` takes a number from 400 to 599
        status=4290
            `status=4290` does not work: `status` takes a number from 400 to 599
        status=abc
            `status=abc` does not work: `status` takes a number from 400 to 599
        status=429,
            `` is no switch: write `key=value`, with commas within a fault and semicolons between faults
        status=429,status=500
            `status=500` stands there twice: a fault has each key once, and there is one clock
        latency=50
            `latency=50` does not work: `latency` takes `50ms` or `2s`, say
        latency=-1s
            `latency=-1s` does not work: `latency` takes `50ms` or `2s`, say
        latency=1.5s
            `latency=1.5s` does not work: `latency` takes `50ms` or `2s`, say
        status=429,method=post
            `method=post` does not work: `method` takes GET, POST, PATCH, DELETE, PUT, HEAD or OPTIONS
        status=429,path=v3
            `path=v3` does not work: `path` takes the start of a path, with its `/`
        status=429,times=0
            `times=0` does not work: `times` takes a whole number, at least 1
        status=429,times=many
            `times=many` does not work: `times` takes a whole number, at least 1
        status=429,retry-after=a%0Ab
            `retry-after=a%0Ab` does not work: `retry-after` takes a header's text
        method=POST
            `method=POST` does nothing: a fault needs a `status` or a `latency`
        latency=1s,retry-after=7
            `retry-after` needs a `status` beside it
        latency=1s,body=x
            `body` needs a `status` beside it
        clock=tomorrow
            `clock=tomorrow` does not work: `clock` takes a time such as `2027-01-31T10:00:00Z`, alone between semicolons
        clock=2027-01-31T10:00:00Z,status=429
            `clock=2027-01-31T10:00:00Z,status=429` does not work: `clock` takes a time such as `2027-01-31T10:00:00Z`, alone between semicolons
        status=429,clock=2027-01-31T10:00:00Z
            unknown switch `clock`: a fault takes `status`, `latency`, `retry-after`, `body`, `method`, `path` and `times`; `clock` stands alone
        clock=2027-01-31T10:00:00Z;clock=2027-01-31T10:00:00Z
            `clock=2027-01-31T10:00:00Z` stands there twice: a fault has each key once, and there is one clock
        cut=1
            unknown switch `cut`: a fault takes `status`, `latency`, `retry-after`, `body`, `method`, `path` and `times`; `clock` stands alone
    "#]].assert_eq(&messages);
}
