using Atelier.Evaluation.Ratings;

namespace Atelier.Tests.Evaluation.Ratings;

/// <summary>Studies of models with known scores, and raters who answer by them.</summary>
internal static class Simulation
{
    private static readonly DateTimeOffset Start = new(2024, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>A study of models "m0", "m1" … with one output for each prompt.</summary>
    public static Study Study(int models, int prompts, int checks = 0, int checkEvery = 0, long seed = 1) => new()
    {
        Id = "simulated",
        Title = "Which output is better?",
        Items = [.. from prompt in Enumerable.Range(0, prompts)
                    from model in Enumerable.Range(0, models)
                    select Item($"m{model}", prompt)],
        CheckItems = [.. Enumerable.Range(0, checks).SelectMany(prompt =>
            new[] { Item("good", prompt), Item("spoilt", prompt) })],
        Checks = [.. Enumerable.Range(0, checks).Select(prompt =>
            new AttentionCheck($"good-{prompt}", $"spoilt-{prompt}"))],
        CheckEvery = checkEvery,
        Seed = seed,
    };

    /// <summary>A study of two scales, "fluency" from 1 to 5 and "truth" from 0 to 10.</summary>
    public static Study Scales(int models, int prompts) => Study(models, prompts) with
    {
        Kind = StudyKind.Scale,
        Rubrics =
        [
            new() { Name = "fluency", Description = "How fluent is it?", LowestLabel = "not", HighestLabel = "very" },
            new() { Name = "truth", Description = "How true is the text?", Lowest = 0, Highest = 10 },
        ],
    };

    /// <summary>Outcomes of pairs of models drawn uniformly.</summary>
    public static PairOutcome[] Outcomes(double[] scores, int answers, ref SplitMix64 random)
    {
        var outcomes = new PairOutcome[answers];
        for (int i = 0; i < answers; i++)
        {
            int first = (int)random.Next(scores.Length), second = (int)random.Next(scores.Length - 1);
            second += second >= first ? 1 : 0;
            bool wins = random.NextDouble() < BradleyTerry.Logistic(scores[first] - scores[second]);
            outcomes[i] = new(first, second, wins ? 1 : 0);
        }
        return outcomes;
    }

    /// <summary>How a kind of rater answers a pair.</summary>
    public delegate PairChoice AnswerPair(RatedPair pair, ref SplitMix64 random);

    /// <summary>
    /// A rater who follows the scores, with a tie in one of ten answers, and who misses one of twenty known checks.
    /// </summary>
    public static AnswerPair Honest(double[] scores) => (pair, ref random) =>
    {
        double left = pair.Check == CheckKind.KnownWorse ? pair.Left.Model == "good" ? 0.95 : 0.05
            : BradleyTerry.Logistic(scores[Model(pair.Left)] - scores[Model(pair.Right)]);
        return pair.Check != CheckKind.KnownWorse && random.NextDouble() < 0.1 ? PairChoice.Tie
            : random.NextDouble() < left ? PairChoice.Left : PairChoice.Right;
    };

    /// <summary>A rater who answers at random, with a tie in one of ten answers.</summary>
    public static AnswerPair Random() => (_, ref random) => random.NextDouble() < 0.1 ? PairChoice.Tie
        : random.Next(2) == 0 ? PairChoice.Left : PairChoice.Right;

    /// <summary>Lets raters answer in turn the pairs that the chooser asks.</summary>
    public static List<PairAnswer> Run(Study study, AnswerPair[] raters, int questions, ulong seed)
    {
        var chooser = new PairChooser(study);
        var answers = new List<PairAnswer>();
        var random = new SplitMix64(seed);
        for (int question = 0; question < questions; question++)
        {
            for (int rater = 0; rater < raters.Length; rater++)
            {
                RatedPair pair = chooser.Next(rater + 1, answers)!;
                answers.Add(Answer(answers.Count + 1, rater + 1, pair, raters[rater](pair, ref random)));
            }
        }
        return answers;
    }

    /// <summary>An answer to a question.</summary>
    public static PairAnswer Answer(long id, long rater, RatedPair pair, PairChoice choice) =>
        new(id, rater, pair.Left.Id, pair.Right.Id, choice, pair.Check, null, 3, Start.AddSeconds(id));

    /// <summary>The raters 1 to a count.</summary>
    public static Rater[] Raters(int count) =>
        [.. Enumerable.Range(1, count).Select(id => new Rater(id, $"rater {id}", Start))];

    private static int Model(StudyItem item) =>
        int.Parse(item.Model.AsSpan(1), System.Globalization.CultureInfo.InvariantCulture);

    private static StudyItem Item(string model, int prompt) => new()
    {
        Id = $"{model}-{prompt}", PromptId = $"p{prompt}", Prompt = $"Prompt {prompt}", Model = model,
        Text = $"Output of {model} for prompt {prompt}",
    };
}
