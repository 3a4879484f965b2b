/** Options of functions count as members of exported types do, while typedoc's own validation passes them over: a warning for each that has no doc comment. */
import { Application, ReflectionKind } from 'typedoc';

/** @param {Application} app */
export function load(app) {
  app.on(Application.EVENT_VALIDATE_PROJECT, (project) => {
    for (const option of project.getReflectionsByKind(ReflectionKind.Property)) {
      const literal = option.parent;
      if (!literal?.parent?.kindOf(ReflectionKind.Parameter) || option.hasComment()) continue;
      app.logger.validationWarning(
        `${option.getFullName()} (option), defined in ${option.sources?.[0]?.fileName}, does not have any documentation.`,
      );
    }
  });
}
