using System.Diagnostics;
using System.Globalization;
using Atelier.Training;
using Spectre.Console;

namespace Atelier.Cli;

/// <summary>
/// Shows the progress of a training: a bar and samples on a terminal, plain lines elsewhere.
/// </summary>
internal static class TrainingView
{
    private static readonly TimeSpan BetweenLines = TimeSpan.FromSeconds(10);

    /// <summary>Runs <paramref name="learn"/> and shows what it reports.</summary>
    public static async Task<T> ShowAsync<T>(ToolConsole console, Func<IProgress<TrainingProgress>, Task<T>> learn)
    {
        if (console.Quiet || !console.IsTerminal)
        {
            using var lines = new Kept(console, new Lines(console), answers: false);
            return await learn(lines).ConfigureAwait(false);
        }
        IAnsiConsole terminal = console.Rich(console.Error);
        return await terminal.Progress()
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(),
                new PercentageColumn())
            .StartAsync(async context =>
            {
                using var bar =
                    new Kept(console, new Bar(terminal, context.AddTask("preparing").IsIndeterminate()), answers: true);
                return await learn(bar).ConfigureAwait(false);
            }).ConfigureAwait(false);
    }

    private static string Line(TrainingProgress at)
    {
        CultureInfo invariant = CultureInfo.InvariantCulture;
        var parts = new List<string>
        {
            at.TotalSteps is { } total ? string.Create(invariant, $"step {at.Step}/{total}")
                : string.Create(invariant, $"step {at.Step}"),
        };
        if (at.Loss is { } loss)
            parts.Add(string.Create(invariant, $"loss {loss:0.0000}"));
        parts.AddRange(at.Figures.Select(figure =>
            string.Create(invariant, $"{Words(figure.Key)} {figure.Value:0.00}")));
        if (at.ValidationLoss is { } validation)
        {
            string of = at.ValidationBatches is { } batches
                ? string.Create(invariant, $" ({batches.Taken} of {batches.InAll} batches)") : "";
            parts.Add(string.Create(invariant, $"validation {validation:0.0000}{of}"));
        }
        if (at.ItemsPerSecond is { } speed)
            parts.Add(string.Create(invariant, $"{speed:#,0} {at.ItemUnit}/s"));
        if (at.Remaining is { } left)
            parts.Add($"{left.ToString(left.TotalHours >= 1 ? @"h\:mm\:ss" : @"m\:ss", invariant)} left");
        return string.Join("  ", parts);
    }

    /// <summary>Splits a camel-case name: "real right" for "realRight".</summary>
    private static string Words(string name) =>
        string.Concat(name.Select(c => char.IsAsciiLetterUpper(c) ? $" {char.ToLowerInvariant(c)}" : $"{c}"));

    private static string Indented(string sample) => "    " + sample.TrimEnd().ReplaceLineEndings("\n    ");

    /// <summary>Delays an interruption, from the first step on, until a checkpoint is saved.</summary>
    /// <param name="console">The console, with its interruption.</param>
    /// <param name="view">Shows the progress.</param>
    /// <param name="answers">Whether to show the answer to an interruption here too, because a bar covers other
    /// output.</param>
    private sealed class Kept(ToolConsole console, IProgress<TrainingProgress> view, bool answers)
        : IProgress<TrainingProgress>, IDisposable
    {
        private readonly CancellationTokenRegistration _answer = answers && console.Interruption is { } interruption
            ? interruption.Token.Register(() =>
                ThreadPool.QueueUserWorkItem(_ =>
                view.Report(new TrainingProgress { Step = 0, Message = Interruption.Answer })))
            : default;

        private IDisposable? _keeping;

        public void Report(TrainingProgress value)
        {
            if (value.IsLearning)
                _keeping ??= console.Interruption?.Keep();
            view.Report(value);
        }

        public void Dispose()
        {
            _answer.Unregister();
            _keeping?.Dispose();
        }
    }

    private sealed class Lines(ToolConsole console) : IProgress<TrainingProgress>
    {
        private readonly Lock _lock = new();
        private readonly Stopwatch _sinceLine = new();

        public void Report(TrainingProgress value)
        {
            lock (_lock)
            {
                if (value.Message is not null)
                    console.Remark(value.Message);
                bool due = !_sinceLine.IsRunning || _sinceLine.Elapsed >= BetweenLines
                    || value.Step == value.TotalSteps;
                if (value.Step > 0 && value.Loss is not null && (due || value.ValidationLoss is not null))
                {
                    console.Remark(Line(value));
                    _sinceLine.Restart();
                }
                if (value.Sample is not null)
                    console.Remark(Indented(value.Sample));
            }
        }
    }

    private sealed class Bar(IAnsiConsole terminal, ProgressTask task) : IProgress<TrainingProgress>
    {
        private readonly Lock _lock = new();
        private double? _validation;

        public void Report(TrainingProgress value)
        {
            lock (_lock)
            {
                if (value.Message is not null)
                    terminal.Write(new AboveBar(new Spectre.Console.Text(value.Message + "\n")));
                if (value.Sample is not null)
                    terminal.Write(new AboveBar(new Spectre.Console.Text(Indented(value.Sample) + "\n",
                        new Style(Color.Grey))));
                if (value.Step == 0)
                    return;
                _validation = value.ValidationLoss ?? _validation;
                task.Description = Markup.Escape(Line(value with { ValidationLoss = _validation }));
                if (value.TotalSteps is not { } total)
                    return;
                task.IsIndeterminate = false;
                task.MaxValue = total;
                task.Value = value.Step;
            }
        }
    }
}
