using System.Diagnostics;
using System.Globalization;
using Atelier.Data;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tensors;
using Atelier.Training.Execution;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Training;

/// <summary>What stands around the trainer's loop: resuming, measuring, telling, keeping.</summary>
internal sealed class TrainingSession<TBatch> : IDisposable
{
    private const int MostUnreadLosses = 256;
    private const long AllocatedBetweenCollections = 1 << 20; // bytes
    private readonly Recipe _recipe;
    private readonly TrainingSection _section;
    private readonly GradientModel<TBatch> _model;
    private readonly Replicas<TBatch> _replicas;
    private readonly IBatchSource<TBatch>? _validation;
    private readonly TrainerHooks _hooks;
    private readonly Run _run;
    private readonly IProgress<TrainingProgress> _progress;
    private readonly TrainingLimits _limits;
    private readonly SessionCheckpoints<TBatch> _checkpoints;
    private readonly TrainingLog _log;
    private readonly Stopwatch _session = Stopwatch.StartNew();
    private readonly Stopwatch _learning = new(); // steps alone, since the last report
    private readonly List<float>[] _losses; // of each turn, read since the last report
    private readonly Dictionary<string, double> _metrics = [];
    private readonly Dictionary<string, string> _units = [];
    private readonly double _secondsBefore; // in sessions before this one
    private long _stepsRead, _stepsReported, _allocated;

    public TrainingSession(Recipe recipe, GradientModel<TBatch> model, Replicas<TBatch> replicas,
        IBatchSource<TBatch>? validation,
        TrainerHooks hooks, Run run, IProgress<TrainingProgress> progress, TrainingLimits limits)
    {
        (_recipe, _section, _model, _replicas, _validation) = (recipe, recipe.Training, model, replicas, validation);
        (_hooks, _run, _progress, _limits) = (hooks, run, progress, limits);
        var named = model.named_parameters().DistinctBy(p => p.parameter.Handle).ToList(); // a tied one stands twice
        var names = named.ToDictionary(p => p.parameter.Handle, p => p.name);
        Movers = [.. model.Objectives.Select((_, turn) =>
            new ObjectiveOptimizer<TBatch>(turn, replicas, names, _section))];
        Average = _section.Ema > 0
            ? new MovingAverage([.. named.Where(p => p.parameter.requires_grad)
            .Select(p => (p.name, (Tensor)p.parameter))], _section.Ema) : null;
        _losses = [.. Movers.Select(_ => new List<float>())];
        _checkpoints = new SessionCheckpoints<TBatch>(new CheckpointStore(run.CheckpointFolder), recipe, model, Movers,
            Average, (step, message) => progress.Report(Here(step) with { Message = message }));
        State = _checkpoints.Resume();
        (_secondsBefore, _stepsRead, _stepsReported) = (State.ElapsedSeconds, State.Step, State.Step);
        _log = new TrainingLog(run, State.Step, hooks.ReferenceLosses);
        _units["trainingLoss"] = _units["validationLoss"] = _units["bestValidationLoss"] = model.Unit("loss");
        (double? trainingLoss, double? validationLoss) = _log.Last; // what the report says where nothing is left to do
        foreach ((string name, double? value) in new[] { ("trainingLoss", trainingLoss),
            ("validationLoss", validationLoss) })
        {
            if (value is { } known)
                _metrics[name] = known;
        }
    }

    public IReadOnlyList<ObjectiveOptimizer<TBatch>> Movers { get; }

    public MovingAverage? Average { get; }

    public TrainingState State { get; private set; } = new();

    /// <summary>Counts a step's time from here.</summary>
    public void BeginStep()
    {
        _learning.Start();
        _run.Profile?.BeginStep();
    }

    /// <summary>Counts a step.</summary>
    public void EndStep(long batches)
    {
        bool profiled = _run.Profile?.EndStep() == true;
        CollectGarbage();
        _learning.Stop();
        State = State with
        {
            Step = State.Step + 1,
            Batch = State.Batch + batches,
            ElapsedSeconds = _secondsBefore + _session.Elapsed.TotalSeconds,
        };
        if (State.Step - _stepsRead >= MostUnreadLosses)
            ReadLosses();
        if (profiled)
            TakeProfile();
    }

    /// <summary>Reports, evaluates and samples at the recipe's intervals.</summary>
    /// <param name="learningRate">That of the step just done.</param>
    /// <param name="cancellation">Ends measuring and sampling, which then leave nothing; the loop saves what was
    /// learned.</param>
    public void AfterStep(double learningRate, CancellationToken cancellation)
    {
        bool last = State.Step == _limits.TotalSteps;
        var values = new Dictionary<string, double>();
        TrainingProgress told = Here();
        if (last || State.Step % _section.ReportEvery == 0)
            told = Report(told, learningRate, values);
        try
        {
            if (_section.EvaluateEvery > 0 && State.Step % _section.EvaluateEvery == 0)
                // patience counts every one
                told = Measure(told, values, _section.Patience > 0 ? CancellationToken.None : cancellation);
            if (_section.SampleEvery > 0 && State.Step % _section.SampleEvery == 0)
                told = told with { Sample = Sample(cancellation) };
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // The step counts all the same; the loop ends after it.
        }
        if (values.Count > 0)
            _log.Write(State.Step, values);
        if (values.Count > 0 || told.Sample is not null)
            _progress.Report(told);
        bool improved = _section.Patience > 0 && State.BestStep == State.Step;
        if (improved || (_section.CheckpointEvery > 0 && State.Step % _section.CheckpointEvery == 0))
        {
            Save();
            _log.Plot();
        }
    }

    /// <summary>
    /// Measures a last time, saves, goes back to the best weights where patience watched them, and writes bundle and
    /// plot; of an interrupted training no more than checkpoint and bundle.
    /// </summary>
    public TrainingReport Finish(string stopReason)
    {
        ReadLosses();
        if (_run.Profile is { Report: null })
            TakeProfile();
        if (stopReason != "interrupted" && _validation is not null && !_log.IsMeasured(State.Step))
        {
            var values = new Dictionary<string, double>();
            TrainingProgress told = Measure(Here(), values, CancellationToken.None);
            _log.Write(State.Step, values);
            _progress.Report(told);
            _checkpoints.SavedStep = null; // the checkpoint is to know of this measurement
        }
        if (_checkpoints.SavedStep != State.Step && State.Step > 0)
            Save();
        if (_section.Patience > 0 && stopReason != "interrupted" && State.BestStep is { } best && best != State.Step)
        {
            _checkpoints.RestoreWeights(best);
            _metrics["validationLoss"] = State.BestLoss!.Value;
            Tell($"the weights of step {best} are kept, the best on validation data");
        }
        if (State.Step > 0)
        {
            Action<string> write = stopReason == "interrupted" ? _hooks.WriteInterrupted ?? _hooks.WriteBundle
                : _hooks.WriteBundle;
            InEvaluationMode(() =>
            {
                write(_run.BundleFolder);
                return true;
            });
        }
        if (stopReason != "interrupted") // drawing takes seconds where other programs take the cores
            _log.Plot();
        return new TrainingReport(State.Step, _secondsBefore + _session.Elapsed.TotalSeconds, stopReason, _metrics)
        {
            Units = _units,
        };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (ObjectiveOptimizer<TBatch> mover in Movers)
            mover.Dispose();
        Average?.Dispose();
        _log.Dispose();
    }

    /// <summary>
    /// Keeps the youngest generation small: without this it grows to the size of the last cache before it is collected,
    /// and the handles of tensors, dead after each step, would walk through all of it.
    /// </summary>
    private void CollectGarbage()
    {
        long allocated = GC.GetTotalAllocatedBytes();
        if (allocated - _allocated < AllocatedBetweenCollections)
            return;
        _allocated = allocated;
        GC.Collect(0);
    }

    private void TakeProfile() =>
        Tell(_run.Profile!.Take(_run.ProfileFolder, _limits.ItemsPerStep, _hooks.ItemUnit)?.ToText()
        ?? $"no step was profiled: training ended before the session's step {_run.Profile.From}");

    private TrainingProgress Report(TrainingProgress told, double learningRate, Dictionary<string, double> values)
    {
        ReadLosses();
        long steps = State.Step - _stepsReported;
        double secondsPerStep = _learning.Elapsed.TotalSeconds / Math.Max(1, steps);
        double itemsPerSecond = _limits.ItemsPerStep / Math.Max(1e-9, secondsPerStep);
        for (int turn = 0; turn < Movers.Count; turn++)
        {
            values[turn == 0 ? "loss" : $"loss.{Movers[turn].Objective.Name}"] = _losses[turn].Average();
            _losses[turn].Clear();
        }
        foreach (ObjectiveOptimizer<TBatch> mover in Movers)
        {
            double norm = mover.GradientNorm!.Number();
            values[mover == Movers[0] ? "gradientNorm" : $"gradientNorm.{mover.Objective.Name}"] = norm;
            if (!double.IsFinite(norm))
                throw NotFinite($"the norm of the gradients is {Text(norm)}", State.Step);
        }
        var figures = Movers.Skip(1)
            .ToDictionary(mover => mover.Objective.Name, mover => values[$"loss.{mover.Objective.Name}"]);
        foreach ((string name, double value) in _replicas.TakeNotes())
            values[name] = figures[name] = value;
        values["learningRate"] = learningRate;
        values[$"{_hooks.ItemUnit}PerSecond"] = itemsPerSecond;
        _metrics["trainingLoss"] = values["loss"];
        _metrics[$"{_hooks.ItemUnit}PerSecond"] = itemsPerSecond;
        _stepsReported = State.Step;
        _learning.Reset();
        return told with
        {
            Loss = values["loss"],
            Figures = figures,
            LearningRate = learningRate,
            ItemsPerSecond = itemsPerSecond,
            Remaining = _limits.Remaining(State, secondsPerStep),
        };
    }

    /// <summary>The mean of the model's own figures over validation batches, the same ones each time.</summary>
    private TrainingProgress Measure(TrainingProgress told, Dictionary<string, double> values,
        CancellationToken cancellation)
    {
        if (_validation is null)
            return told;
        long inAll = _validation.BatchesPerEpoch, count = ValidationFigures.Count(_section, inAll);
        IReadOnlyDictionary<string, double> figures = InEvaluationMode(() =>
            ValidationFigures.Measure(_validation, _replicas, count, cancellation));
        if (_model.Warn(figures) is { } warning)
            Tell(warning);
        foreach ((string name, double value) in figures)
        {
            string key = $"validation{char.ToUpperInvariant(name[0])}{name[1..]}";
            values[key] = _metrics[key] = value;
            _units[key] = _model.Unit(name);
        }
        double loss = figures["loss"];
        if (!double.IsFinite(loss))
            throw NotFinite($"the validation loss is {Text(loss)}", State.Step);
        values["validationBatches"] = _metrics["validationBatches"] = count;
        values["validationBatchesInAll"] = _metrics["validationBatchesInAll"] = inAll;
        State = State.Measured(loss);
        _metrics["bestValidationLoss"] = State.BestLoss!.Value;
        return told with { ValidationLoss = loss, ValidationBatches = (count, inAll) };
    }

    private string? Sample(CancellationToken cancellation)
    {
        if (_hooks.WriteSample is not { } write)
            return null;
        Directory.CreateDirectory(_run.SampleFolder);
        string path = Path.Combine(_run.SampleFolder, $"step-{State.Step}");
        TrainingSample sample = InEvaluationMode(() => write(path, cancellation));
        _log.Write(State.Step, sample);
        return sample.Shown;
    }

    /// <summary>
    /// Calls a function on the model as it is evaluated and saved: in evaluation mode, without gradients, with averaged
    /// weights if there are any.
    /// </summary>
    private T InEvaluationMode<T>(Func<T> look)
    {
        bool training = _model.training;
        using var noGradients = no_grad();
        _model.eval();
        try
        {
            return _replicas.Undivided(() => Average is null ? look() : Average.InPlace(look));
        }
        finally
        {
            _model.train(training);
        }
    }

    /// <summary>Reads the losses since the last reading, and stops the run where one is not finite.</summary>
    private void ReadLosses()
    {
        _learning.Start(); // the device may still be at work, and that is learning
        for (int turn = 0; turn < Movers.Count; turn++)
        {
            float[] losses = Movers[turn].ReadLosses();
            int bad = Array.FindIndex(losses, loss => !float.IsFinite(loss));
            if (bad >= 0)
                throw NotFinite($"the {Movers[turn].Objective.Name} is {Text(losses[bad])}",
                    _stepsRead + (bad / Movers[turn].Objective.Repeats) + 1);
            _losses[turn].AddRange(losses);
        }
        _stepsRead = State.Step;
        _learning.Stop();
    }

    private AtelierException NotFinite(string what, long step)
    {
        long batch = State.Batch - ((State.Step - step + 1) * _limits.BatchesPerStep);
        string kept = _checkpoints.NewestStep is { } newest ? $"; the checkpoint of step {newest} is kept" : "";
        return new AtelierException(what + kept, $"step {step}, batch {batch}",
            "lower training.optimizer.learningRate, "
            + "set training.clipNorm to 1, lengthen training.schedule.warmupSteps, or take training.precision fp32");
    }

    private void Save()
    {
        ReadLosses();
        if (!Movers.All(mover => mover.IsFinite()))
            throw NotFinite("the weights are not finite", State.Step);
        _checkpoints.Save(State);
    }

    private TrainingProgress Here() => Here(State.Step);

    private TrainingProgress Here(long step) =>
        new() { Step = step, TotalSteps = _limits.TotalSteps, ItemUnit = _hooks.ItemUnit };

    private void Tell(string message) => _progress.Report(Here() with { Message = message });

    private static string Text(double value) => value.ToString(CultureInfo.InvariantCulture);
}
