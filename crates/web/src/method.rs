//! How a projection was made, in words: the same ones on the page and in the API.

use crate::filters::grouped;
use dakiya_core::forecast::{FEWEST_DAYS_WITH_TRAFFIC, Method, SHORTEST_DAYS, TooShort};
use dakiya_core::projection::FORECAST_MONTHS;
use dakiya_core::rate_card::NoRate;
use dakiya_scheduler::{Basis, Projection};

/// What was done, in a sentence.
pub(crate) fn sentence(basis: &Basis) -> String {
    match basis {
        Basis::Forecast { method, days, .. } => {
            let days = grouped(*days as i128);
            format!(
                "{} It learnt from {days} whole days and was chosen because it was least wrong about months held back.",
                how(*method)
            )
        }
        Basis::TooShort(TooShort { days, with_traffic }) => format!(
            "No forecast: there are {} whole days of history, {} of them with traffic; {SHORTEST_DAYS} are needed, \
             {FEWEST_DAYS_WITH_TRAFFIC} of them with traffic: a month to learn from and a month to be checked on. What is shown is spent or certain; plan \
             the rest with a scenario.",
            grouped(*days as i128),
            grouped(*with_traffic as i128)
        ),
    }
}

fn how(method: Method) -> &'static str {
    match method {
        Method::WeekdayAverage => "What each weekday cost on average in the last eight weeks.",
        Method::WeekdayMedian => {
            "The median of each weekday in the last eight weeks, so that a festival among them does not count."
        }
        Method::Ets => "Exponential smoothing (ETS) with a trend that fades.",
        Method::MstlEtsLevel => {
            "The weekly pattern taken out (MSTL), and exponential smoothing (ETS) of the level without a trend."
        }
        Method::MstlEts => {
            "The weekly pattern taken out (MSTL), and exponential smoothing (ETS) with a trend that fades."
        }
        Method::MstlEtsTrend => {
            "The weekly pattern taken out (MSTL), and exponential smoothing (ETS) with a trend that goes on."
        }
    }
}

/// What is left out of the figures because nothing prices it.
pub(crate) fn unpriced(projection: &Projection) -> Option<String> {
    let what: Vec<String> = projection.unpriced.iter().map(NoRate::what).collect();
    let card = &projection.rate_card.name;
    (!what.is_empty()).then(|| {
        format!(
            "The rate card “{card}” has no price for {}: none of it is in these figures.",
            what.join(", ")
        )
    })
}

/// What has to hold for the figures to come true.
pub(crate) fn assumptions(projection: &Projection) -> Vec<String> {
    let mut assumptions: Vec<String> = unpriced(projection).into_iter().collect();
    assumptions.extend([
        "Spent is what Twilio charged, and what was sent and is not charged yet at its estimate.".to_owned(),
        "Certain are approved campaigns, paused ones too, in the month of their start; reminders that wait; the next runs of \
         reminder rules with the payments of now, at their exact quotes; and the rent of numbers. Recurring campaigns count once each \
         has become a campaign, a text message after WhatsApp once it is written."
            .to_owned(),
    ]);
    if let Basis::Forecast { days, .. } = projection.basis {
        assumptions.push(
            "The rest (OTPs, transactional and service messages outside campaigns and rules, and what people send) goes on as \
             it did, shared among categories as in the last 28 days, at the prices and the dollar it was paid with. Totals from \
             before Dakiya's own messages are part of what it learns from, whatever they were for."
                .to_owned(),
        );
        assumptions.push(format!(
            "The range should hold eight months of ten. It is as wide as the method was wrong about stretches as long and as far \
             ahead; further ahead than history reaches it is widened. There is none beyond {FORECAST_MONTHS} months."
        ));
        if days < 365 {
            assumptions.push(
                "With less than a year of history no festival season has been seen: plan one as a campaign or a scenario.".to_owned(),
            );
        } else {
            assumptions.push(
                "One year does not tell a festival from chance: peaks widen the range, they are not dated."
                    .to_owned(),
            );
        }
    }
    assumptions.push("Everything is before GST, which is reckoned on the whole month.".to_owned());
    assumptions
}
