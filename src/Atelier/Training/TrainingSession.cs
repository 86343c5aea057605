using System.Diagnostics;
using System.Globalization;
using Atelier.Data;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tensors;
using Atelier.Tensors.Ranks;
using Atelier.Training.Distributed;
using Atelier.Training.Execution;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Training;

/// <summary>
/// The work around the trainer's loop: resumes a run, reports, evaluates and samples at intervals, saves checkpoints,
/// and writes the results.
/// </summary>
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
    private readonly Stopwatch _learning = new(); // the time of steps alone, since the last report
    private readonly List<float>[] _losses; // [objective]: the losses read since the last report
    private readonly Dictionary<string, double> _metrics = [];
    private readonly Dictionary<string, string> _units = [];
    private readonly double _secondsBefore; // the training time of earlier sessions
    private long _stepsRead, _stepsReported, _allocated;

    public TrainingSession(Recipe recipe, GradientModel<TBatch> model, Replicas<TBatch> replicas,
        IBatchSource<TBatch>? validation, TrainerHooks hooks, Run run, IProgress<TrainingProgress> progress,
        TrainingLimits limits)
    {
        (_recipe, _section, _model, _replicas, _validation) = (recipe, recipe.Training, model, replicas, validation);
        (_hooks, _run, _progress, _limits) = (hooks, run, progress, limits);
        var named = model.AllParameters().DistinctBy(p => p.Parameter.Handle).ToList(); // tied parameters once
        var names = named.ToDictionary(p => p.Parameter.Handle, p => p.Name);
        Func<string, double>? rateFactor = FineTuning.RateFactors(model, _section);
        Optimizers = [.. model.Objectives.Select((_, objective) =>
            new ObjectiveOptimizer<TBatch>(objective, replicas, names, _section, rateFactor,
                run.Ranks.Size > 1 ? new GradientExchange(run.Ranks) : null))];
        var averaged = named.Where(p => p.Parameter.requires_grad).Select(p => (p.Name, (Tensor)p.Parameter));
        Average = _section.Ema > 0 ? new MovingAverage(averaged, _section.Ema) : null;
        _losses = [.. Optimizers.Select(_ => new List<float>())];
        var store = new CheckpointStore(run.CheckpointFolder);
        _checkpoints = new SessionCheckpoints<TBatch>(store, recipe, model, Optimizers, Average, run.Ranks,
            (step, message) => progress.Report(Here(step) with { Message = message }));
        State = _checkpoints.Resume();
        (_secondsBefore, _stepsRead, _stepsReported) = (State.ElapsedSeconds, State.Step, State.Step);
        _log = new TrainingLog(run, State.Step, hooks.ReferenceLosses);
        _units["trainingLoss"] = _units["validationLoss"] = _units["bestValidationLoss"] = model.Unit("loss");
        // These are the final metrics if there are no steps left.
        if (_log.Last.Training is { } trainingLoss)
            _metrics["trainingLoss"] = trainingLoss;
        if (_log.Last.Validation is { } validationLoss)
            _metrics["validationLoss"] = validationLoss;
    }

    public IReadOnlyList<ObjectiveOptimizer<TBatch>> Optimizers { get; }

    public MovingAverage? Average { get; }

    public TrainingState State { get; private set; } = new();

    /// <summary>Begins a step: starts to count its time.</summary>
    public void BeginStep()
    {
        _learning.Start();
        _run.Profile?.BeginStep();
    }

    /// <summary>Ends a step: counts it and its time.</summary>
    /// <param name="batches">The number of batches that the step used.</param>
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

    /// <summary>Reports, evaluates, samples and saves checkpoints at the intervals of the recipe.</summary>
    /// <param name="learningRate">The learning rate of the step.</param>
    /// <param name="cancellation">Cancels evaluation and sampling without a result. The loop then ends, and saves a
    /// checkpoint.</param>
    public void AfterStep(double learningRate, CancellationToken cancellation)
    {
        bool last = State.Step == _limits.TotalSteps;
        var values = new Dictionary<string, double>();
        TrainingProgress progress = Here();
        if (last || State.Step % _section.ReportEvery == 0)
            progress = Report(progress, learningRate, values);
        // Early stopping counts evaluations, so that none may be skipped; and ranks evaluate together.
        bool mustEvaluate = _section.Patience > 0 || _run.Ranks.Size > 1;
        CancellationToken evaluationCancellation = mustEvaluate ? CancellationToken.None : cancellation;
        try
        {
            if (_section.EvaluateEvery > 0 && State.Step % _section.EvaluateEvery == 0)
                progress = Evaluate(progress, values, evaluationCancellation);
            if (_section.SampleEvery > 0 && State.Step % _section.SampleEvery == 0)
                progress = progress with { Sample = Sample(cancellation) };
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // The step still counts. The loop ends after it.
        }
        if (values.Count > 0)
            _log.Write(State.Step, values);
        if (values.Count > 0 || progress.Sample is not null)
            _progress.Report(progress);
        bool improved = _section.Patience > 0 && State.BestStep == State.Step;
        if (improved || (_section.CheckpointEvery > 0 && State.Step % _section.CheckpointEvery == 0))
        {
            Save();
            _log.Plot();
        }
    }

    /// <summary>
    /// Ends training: evaluates once more, saves a checkpoint, restores the best weights if early stopping is enabled,
    /// and writes the bundle and the loss plot. An interrupted training only saves a checkpoint and the bundle.
    /// </summary>
    public TrainingReport Finish(string stopReason)
    {
        ReadLosses();
        if (_run.Profile is { Report: null })
            TakeProfile();
        if (stopReason != "interrupted" && _validation is not null && !_run.Ranks.Decide(_log.IsMeasured(State.Step)))
        {
            var values = new Dictionary<string, double>();
            TrainingProgress progress = Evaluate(Here(), values, CancellationToken.None);
            _log.Write(State.Step, values);
            _progress.Report(progress);
            _checkpoints.SavedStep = null; // saves the step again, with this evaluation in its state
        }
        if (_checkpoints.SavedStep != State.Step && State.Step > 0)
            Save();
        if (!_run.Ranks.Leads())
            return Result(stopReason);
        if (_section.Patience > 0 && stopReason != "interrupted" && State.BestStep is { } best && best != State.Step)
        {
            _checkpoints.RestoreWeights(best);
            _metrics["validationLoss"] = State.BestLoss!.Value;
            Tell($"using the weights of step {best}, the best on validation data");
        }
        if (State.Step > 0)
        {
            Action<string> write = stopReason == "interrupted"
                ? _hooks.WriteInterrupted ?? _hooks.WriteBundle
                : _hooks.WriteBundle;
            InEvaluationMode(() =>
            {
                _model.WhileMerged(() => write(_run.BundleFolder));
                _model.Adapters?.Write(_run.AdapterFolder, _section.From, _model.PeftTaskType);
                return true;
            });
        }
        if (stopReason != "interrupted") // plotting may take seconds if other programs use the cores
            _log.Plot();
        return Result(stopReason);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (ObjectiveOptimizer<TBatch> optimizer in Optimizers)
            optimizer.Dispose();
        Average?.Dispose();
        _log.Dispose();
    }

    /// <summary>
    /// Collects generation 0 often. Otherwise it grows to the size of the last-level cache before it is collected, and
    /// the handles of tensors, which are garbage after each step, would evict everything else from the cache.
    /// </summary>
    private void CollectGarbage()
    {
        long allocated = GC.GetTotalAllocatedBytes();
        if (allocated - _allocated < AllocatedBetweenCollections)
            return;
        _allocated = allocated;
        GC.Collect(0);
    }

    private TrainingReport Result(string stopReason) =>
        new(State.Step, _secondsBefore + _session.Elapsed.TotalSeconds, stopReason, _metrics) { Units = _units };

    private void TakeProfile() =>
        Tell(_run.Profile!.Take(_run.ProfileFolder, _limits.ItemsPerStep, _hooks.ItemUnit)?.ToText()
            ?? $"no step was profiled: training ended before step {_run.Profile.From} of this session");

    private TrainingProgress Report(TrainingProgress progress, double learningRate, Dictionary<string, double> values)
    {
        ReadLosses();
        long steps = State.Step - _stepsReported;
        double secondsPerStep = _learning.Elapsed.TotalSeconds / Math.Max(1, steps);
        double itemsPerSecond = _limits.ItemsPerStep / Math.Max(1e-9, secondsPerStep);
        for (int i = 0; i < Optimizers.Count; i++)
        {
            values[i == 0 ? "loss" : $"loss.{Optimizers[i].Objective.Name}"] = _losses[i].Average();
            _losses[i].Clear();
        }
        for (int i = 0; i < Optimizers.Count; i++)
        {
            double norm = Optimizers[i].GradientNorm!.Number();
            values[i == 0 ? "gradientNorm" : $"gradientNorm.{Optimizers[i].Objective.Name}"] = norm;
            if (!double.IsFinite(norm))
                throw NotFinite($"the norm of the gradients is {Text(norm)}", State.Step);
        }
        var figures = Optimizers.Skip(1).Select(optimizer => optimizer.Objective.Name)
            .ToDictionary(name => name, name => values[$"loss.{name}"]);
        foreach ((string name, double value) in RankAgreement.Mean(_run.Ranks, _replicas.TakeNotes()))
            values[name] = figures[name] = value;
        values["learningRate"] = learningRate;
        values[$"{_hooks.ItemUnit}PerSecond"] = itemsPerSecond;
        (_metrics["trainingLoss"], _metrics[$"{_hooks.ItemUnit}PerSecond"]) = (values["loss"], itemsPerSecond);
        _stepsReported = State.Step;
        _learning.Reset();
        return progress with
        {
            Loss = values["loss"],
            Figures = figures,
            LearningRate = learningRate,
            ItemsPerSecond = itemsPerSecond,
            Remaining = _limits.Remaining(State, secondsPerStep),
        };
    }

    /// <summary>Evaluates the model on validation batches, the same ones each time.</summary>
    private TrainingProgress Evaluate(TrainingProgress progress, Dictionary<string, double> values,
        CancellationToken cancellation)
    {
        if (_validation is null)
            return progress;
        long inAll = _validation.BatchesPerEpoch, count = ValidationFigures.Count(_section, inAll);
        IReadOnlyDictionary<string, double> figures = InEvaluationMode(() =>
            ValidationFigures.Measure(_validation, _replicas, count, _run.Ranks, cancellation));
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
        return progress with { ValidationLoss = loss, ValidationBatches = (count, inAll) };
    }

    private string? Sample(CancellationToken cancellation)
    {
        if (_hooks.WriteSample is not { } write || !_run.Ranks.Leads())
            return null;
        Directory.CreateDirectory(_run.SampleFolder);
        string path = Path.Combine(_run.SampleFolder, $"step-{State.Step}");
        TrainingSample sample = InEvaluationMode(() => write(path, cancellation));
        _log.Write(State.Step, sample);
        return sample.Shown;
    }

    /// <summary>
    /// Calls a function while the model is in the state in which it is evaluated and saved: in evaluation mode, without
    /// gradients, and with the averaged weights if there are any.
    /// </summary>
    private T InEvaluationMode<T>(Func<T> function)
    {
        bool training = _model.training;
        using var noGradients = no_grad();
        _model.eval();
        try
        {
            return _replicas.Undivided(() => Average is null ? function() : Average.InPlace(function));
        }
        finally
        {
            _model.train(training);
        }
    }

    /// <summary>Reads the losses since the last call; throws if one is not finite.</summary>
    private void ReadLosses()
    {
        _learning.Start(); // the device may still be computing the step, and this time counts too
        for (int i = 0; i < Optimizers.Count; i++)
        {
            float[] losses = Optimizers[i].ReadLosses();
            _run.Ranks.Sum(losses.AsSpan()); // each rank has the part of the mean that its rows contribute
            int bad = Array.FindIndex(losses, loss => !float.IsFinite(loss));
            if (bad >= 0)
                throw NotFinite($"the {Optimizers[i].Objective.Name} is {Text(losses[bad])}",
                    _stepsRead + (bad / Optimizers[i].Objective.Repeats) + 1);
            _losses[i].AddRange(losses);
        }
        _stepsRead = State.Step;
        _learning.Stop();
    }

    private AtelierException NotFinite(string what, long step)
    {
        long batch = State.Batch - ((State.Step - step + 1) * _limits.BatchesPerStep);
        string kept = _checkpoints.NewestStep is { } newest ? $"; the checkpoint of step {newest} remains" : "";
        return new AtelierException(what + kept, $"step {step}, batch {batch}",
            "lower training.optimizer.learningRate, "
            + "set training.clipNorm to 1, increase training.schedule.warmupSteps, or set training.precision to fp32");
    }

    private void Save()
    {
        ReadLosses();
        if (!Optimizers.All(optimizer => optimizer.IsFinite()))
            throw NotFinite("the weights are not finite", State.Step);
        _checkpoints.Save(State);
    }

    private TrainingProgress Here() => Here(State.Step);

    private TrainingProgress Here(long step) =>
        new() { Step = step, TotalSteps = _limits.TotalSteps, ItemUnit = _hooks.ItemUnit };

    private void Tell(string message) => _progress.Report(Here() with { Message = message });

    private static string Text(double value) => value.ToString(CultureInfo.InvariantCulture);
}
