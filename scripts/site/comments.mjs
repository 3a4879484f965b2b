/**
 * What counts as missing beside what typedoc itself looks for, each with a warning: a doc comment of an option of a function, which it passes over as it is no member of an
 * exported type, and words in a comment that has only tags.
 */
import { Application, ReflectionKind } from 'typedoc';

/** @param {Application} app */
export function load(app) {
  app.on(Application.EVENT_VALIDATE_PROJECT, (project) => {
    const warn = (/** @type {import("typedoc").Reflection} */ { kind, name, parent }, /** @type {string} */ what) =>
      app.logger.validationWarning(`${name} (${ReflectionKind[kind]} of ${parent?.getFriendlyFullName()}) does not have any ${what}`);
    for (const reflection of project.getReflectionsByKind(ReflectionKind.All)) {
      const { comment, parent } = reflection;
      const isOption = reflection.kindOf(ReflectionKind.Property) && parent?.parent?.kindOf(ReflectionKind.Parameter);
      if (isOption && !reflection.hasComment()) warn(reflection, 'documentation');
      if (comment && !comment.summary.some(({ text }) => text.trim())) warn(reflection, 'words in its documentation');
    }
  });
}
